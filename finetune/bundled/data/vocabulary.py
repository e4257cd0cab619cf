"""Words, sentences and names for requests."""

# ruff: noqa: E501  (lists of words)

from __future__ import annotations

WORDS = ["banana", "mississippi", "hello", "world", "python", "level", "racecar", "strawberry",
         "window", "garden", "elephant", "keyboard", "summer", "bookkeeper", "radar", "noon", "music",
         "butterfly", "coffee", "tomorrow", "chocolate", "river", "mountain", "kayak", "letter",
         "programming", "parallel", "assistant", "balloon", "committee", "penguin"]  # fmt: skip
SENTENCES = ["the quick brown fox", "hello world", "to be or not to be", "all that glitters is not gold",
             "time flies like an arrow", "good morning everyone", "we went to the sea last summer",
             "a stitch in time saves nine", "never say never", "rain falls on the green hills"]  # fmt: skip
NAMES = ["Anna", "Ben", "Carla", "David", "Emma", "Frank", "Grace", "Hugo", "Ines", "Jack", "Kim",
         "Leo", "Mia", "Noah", "Olga", "Paul", "Rita", "Sam", "Tom", "Zoe", "pear", "apple", "fig",
         "kiwi", "plum", "mango", "dog", "cat", "mouse", "zebra", "red", "blue"]  # fmt: skip

MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December"]  # fmt: skip
