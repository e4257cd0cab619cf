"""Strings, lists, dates and small tables in Python."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from backends.bundled.data.tasks import Skill, Task, phrase, spoken_list, stating

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


def reckoned(r: Random, ask: str, code: str, answer: str, **slots: object) -> Task:
    """`unless` in the slots names tools that do this better."""
    unless = slots.pop("unless", ())
    assert isinstance(unless, tuple)
    return Task(phrase(r, ask, **slots), stating(r, answer), "python", code, unless=unless)


def string(r: Random) -> Task:
    word = (
        r.choice(WORDS)
        if r.random() < 0.7
        else "".join(r.choices("abcdefghijklmnoprstuvw", k=r.randint(4, 9)))
    )
    text = r.choice(SENTENCES)
    letter = r.choice(word)
    shift = r.randint(1, 12)
    ask, code, answer = r.choice(
        [
            ("{Reverse|reverse} the {word|string} {q}{w}{q}{.|}", f'print("{word}"[::-1])', f"{word} reversed is [[]]."),
            ("{What is {q}{w}{q} {backwards|spelled backwards|reversed}?|Spell {w} backwards}", f'print("{word}"[::-1])', f"{word} backwards is [[]]."),
            ("How many {times does the letter {l} {occur|appear} in|{l}'s are {there |}in|letters {l} are in} {q}{w}{q}?", f'print("{word}".count("{letter}"))',
             f"The letter {letter} occurs [[]] times in {word}."),
            ("{Count the {l}s in {w}|How many {l}s does {w} have?}", f'print("{word}".count("{letter}"))', f"{word} has [[]] {letter}."),
            ("{How long is|How many letters {does|has}|Count the letters {in|of}} {the word |}{q}{w}{q}{?|}", f'print(len("{word}"))', f"{word} has [[]] letters."),
            ("{How many words are in|Count the words in|Number of words in} {q}{t}{q}{?|}", f'print(len("{text}".split()))', "It has [[]] words."),
            ("{Is|is} {q}{w}{q} a palindrome?", f'word = "{word}"\nprint(word == word[::-1])', f"Is {word} a palindrome? [[]]."),
            ("{How many|Count the} vowels {are |}in {q}{w}{q}{?|}", f'print(sum(c in "aeiou" for c in "{word}"))', f"{word} has [[]] vowels."),
            ("{Write|Put|Convert} {q}{t}{q} {in|to} {upper case|uppercase|capitals}", f'print("{text}".upper())', "[[]]"),
            ("{Capitalize|Title case} {each word of |}{q}{t}{q}", f'print("{text}".title())', "[[]]"),
            ("{Replace|Swap} {l} {with|by} * in {q}{w}{q}", f'print("{word}".replace("{letter}", "*"))', "[[]]"),
            ("{Sort|Put} the letters of {q}{w}{q}{ in order| alphabetically}", f'print("".join(sorted("{word}")))', f"The letters of {word} in order: [[]]"),
            ("{What is|Which is|Find} the longest word in {q}{t}{q}{?|}", f'print(max("{text}".split(), key=len))', "The longest word is [[]]."),
            ("{Count|How often does} each letter {in|occur in} {q}{w}{q}{?|}", f'from collections import Counter\nprint(dict(Counter("{word}")))', "The letters: [[]]"),
            ("{Encode|Encrypt} {q}{w}{q} with a Caesar {cipher|shift} of {s}",
             f'print("".join(chr((ord(c) - 97 + {shift}) % 26 + 97) for c in "{word}"))', "[[]]"),
            ("{Reverse|Turn around} the {order of the |}words {in|of} {q}{t}{q}", f'print(" ".join("{text}".split()[::-1]))', "[[]]"),
            ("{Repeat|Write} {q}{w}{q} {s} times", f'print(" ".join(["{word}"] * {shift}))', "[[]]"),
            ("{把|将}{q}{w}{q}{反转|倒过来写}", f'print("{word}"[::-1])', f"{word} 反过来是 [[]]。"),
            ("{w} 里有几个字母 {l}？", f'print("{word}".count("{letter}"))', f"{word} 里有 [[]] 个 {letter}。"),
            ("{w} 有{几个|多少个}字母？", f'print(len("{word}"))', f"{word} 有 [[]] 个字母。"),
        ]
    )  # fmt: skip
    return reckoned(
        r, ask, code, answer, q=r.choice(['"', "'", "", ""]), w=word, t=text, l=letter, s=shift
    )


def lists(r: Random) -> Task:
    numbers = [r.randint(1, r.choice([20, 100, 999])) for _ in range(r.randint(4, 9))]
    names = r.sample(NAMES, r.randint(3, 6))
    doubled = [*names, r.choice(names), r.choice(names)]
    n, said = ", ".join(map(str, numbers)), ", ".join(names)
    quoted = "[" + ", ".join(f'"{x}"' for x in names) + "]"
    quoted2 = "[" + ", ".join(f'"{x}"' for x in doubled) + "]"
    ask, code, answer = r.choice(
        [
            ("{Sort|Order|Put in order} {the numbers |these numbers: |}{n}{.|}", f"print(sorted([{n}]))", "Sorted: [[]]"),
            ("{Sort|Order} {n} {from largest to smallest|in descending order|descending}", f"print(sorted([{n}], reverse=True))", "From largest to smallest: [[]]"),
            ("{Sort|Order|Sort these names|Alphabetize|Put in alphabetical order}{:|} {s}", f"print(sorted({quoted}))", "In alphabetical order: [[]]"),
            ("{Sort|Order} {s} by length", f"print(sorted({quoted}, key=len))", "By length: [[]]"),
            ("{Remove|Drop} {the |}duplicates {from|in} {d}", f"print(list(dict.fromkeys({quoted2})))", "Without duplicates: [[]]"),
            ("{Which of these|Which numbers of|Find the ones of} {n} {that |}are even{?|}", f"print([x for x in [{n}] if x % 2 == 0])", "The even ones are [[]]."),
            ("{Reverse|reverse} the list {n}", f"print([{n}][::-1])", "Reversed: [[]]"),
            ("{Double|Square} each {of|number of} {n}", "", "The results are [[]]."),
            ("{Shuffle|Mix} {s}", f"import random\nnames = {quoted}\nrandom.shuffle(names)\nprint(names)", "Shuffled: [[]]"),
            ("{Pick|Choose|Draw} one of {s} at random", f"import random\nprint(random.choice({quoted}))", "I picked [[]]."),
            ("{把|将}{n}{从小到大排序|排序}", f"print(sorted([{n}]))", "排序后：[[]]"),
        ]
    )  # fmt: skip
    task = reckoned(r, ask, code, answer, n=n, s=said, d=", ".join(doubled))
    if not code:
        term = "2 * x" if task.ask.startswith("Double") else "x**2"
        task = Task(task.ask, task.answer, "python", f"print([{term} for x in [{n}]])")
    return task


MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December"]  # fmt: skip


def day(r: Random) -> date:
    return date(1990, 1, 1) + timedelta(days=r.randint(0, 20000))


def written(r: Random, when: date) -> str:
    month = MONTHS[when.month - 1]
    return r.choice(
        [
            when.isoformat(),
            when.isoformat(),
            f"{month} {when.day}, {when.year}",
            f"{when.day} {month} {when.year}",
        ]
    )


def dates(r: Random) -> Task:
    a = day(r)
    b = a + timedelta(days=r.randint(3, 900))
    k = r.randint(3, 400)
    head = "from datetime import date, timedelta\n"
    one, two = (f"date({d.year}, {d.month}, {d.day})" for d in (a, b))
    between, add = ("days_between",), ("add_to_date",)
    ask, code, answer, unless = r.choice(
        [
            ("{What day of the week {is|was}|Which weekday {is|was}|What weekday is} {a}?", f'from datetime import date\nprint({one}.strftime("%A"))', f"{a} is a [[]].", ()),
            ("Is {y} a leap year?", f"import calendar\nprint(calendar.isleap({a.year}))", f"Is {a.year} a leap year? [[]].", ()),
            ("How many days {does|has} {m} {y}{ have|}?", f"import calendar\nprint(calendar.monthrange({a.year}, {a.month})[1])", f"{MONTHS[a.month - 1]} {a.year} has [[]] days.", ()),
            ("{Show|Print} {a|the} calendar {of|for} {m} {y}", f"import calendar\nprint(calendar.month({a.year}, {a.month}))", f"{MONTHS[a.month - 1]} {a.year}:\n[[]]", ()),
            ("How many days {are there |are |}{from|between} {a} {to|and} {b}?", f"from datetime import date\nprint(({two} - {one}).days)", "There are [[]] days.", between),
            ("{What date is|Which date is} {k} days after {a}?", f"{head}print({one} + timedelta(days={k}))", f"{k} days after {a} is [[]].", add),
            ("{Which day of the year|What number of day} is {a}?", f'from datetime import date\nprint({one}.timetuple().tm_yday)', "It is day [[]] of the year.", ()),
            ("{a} 是星期几？", f'from datetime import date\nprint({one}.strftime("%A"))', f"{a} 是 [[]]。", ()),
            ("{y}年是闰年吗？", f"import calendar\nprint(calendar.isleap({a.year}))", f"{a.year} 年是闰年吗：[[]]。", ()),
        ]
    )  # fmt: skip
    return reckoned(r, "{" + ask + "}", code, answer, a=written(r, a), b=written(r, b), k=k, y=a.year, m=MONTHS[a.month - 1],
                    unless=unless)  # fmt: skip


def conversions(r: Random) -> Task:
    """Unit conversions, for when there is no tool for them."""
    n = r.choice([r.randint(1, 300), round(r.uniform(1, 90), 1)])
    source, target, code = r.choice(
        [
            ("miles", "kilometres", "{n} * 1.609344"),
            ("km", "miles", "{n} / 1.609344"),
            ("kg", "pounds", "{n} / 0.45359237"),
            ("pounds", "kg", "{n} * 0.45359237"),
            ("inches", "cm", "{n} * 2.54"),
            ("feet", "metres", "{n} * 0.3048"),
            ("Celsius", "Fahrenheit", "{n} * 9 / 5 + 32"),
            ("Fahrenheit", "Celsius", "({n} - 32) * 5 / 9"),
            ("litres", "gallons", "{n} / 3.785411784"),
        ]
    )
    sum_ = code.replace("{n}", str(n))
    return reckoned(r, "{Convert {n} {a} to {b}|How {many|much} {b} is {n} {a}?|{n} {a} in {b}}", f"print(round({sum_}, 2))",
                    f"{n} {source} is [[]] {target}.", n=n, a=source, b=target, unless=("convert_units",))  # fmt: skip


def tables(r: Random) -> Task:
    n = r.randint(3, 8)
    names = r.sample(NAMES[:20], r.randint(3, 4))
    values = [r.randint(15, 90) for _ in names]
    pairs = ", ".join(f"{a} {b}" for a, b in zip(names, values, strict=True))
    column = r.choice(["age", "score", "points", "price", "sales"])
    quoted = "[" + ", ".join(f'"{x}"' for x in names) + "]"
    frame = (
        f'import pandas as pd\ntable = pd.DataFrame({{"name": {quoted}, "{column}": {values}}})\n'
    )
    powers = f'import pandas as pd\nn = range(1, {n} + 1)\nprint(pd.DataFrame({{"n": n, "square": [i**2 for i in n], "cube": [i**3 for i in n]}}))'
    ask, code, answer = r.choice(
        [
            ("{Make|Show|Print|Create} a table of {the numbers|n} {1 to|from 1 to} {n} with {their |}squares and cubes", powers, "The table:\n[[]]"),
            ("{Make|Show|Create} a table {of|with} name and {c}: {p}", f"{frame}print(table)", "The table:\n[[]]"),
            ("{Sort|Order} by {c}: {p}", f'{frame}print(table.sort_values("{column}"))', f"Sorted by {column}:\n[[]]"),
            ("{Who has|Which one has} the {highest|largest} {c}: {p}?", f'{frame}print(table.loc[table["{column}"].idxmax(), "name"])', "It is [[]]."),
            ("{What is|Compute} the average {c} of {p}{?|}", f'{frame}print(table["{column}"].mean())', f"The average {column} is [[]]."),
        ]
    )  # fmt: skip
    return reckoned(r, ask, code, answer, n=n, c=column, p=pairs)


def explicit(r: Random) -> Task:
    """Requests that name the tool, or ask to run some code."""
    n, k = r.randint(2, 99), r.randint(2, 9)
    names = spoken_list(r.sample(NAMES, 3))
    ask, code, answer = r.choice(
        [
            ("{Run|Execute|run}{:| this code:} print({n} * {k})", f"print({n} * {k})", "It prints [[]]."),
            ("{Use|use} {P|p}ython to {compute|calculate} {n} to the power {k}", f"print({n}**{k})", "The result is [[]]."),
            ("{Run|Execute}: x = {n}; print(x + {k})", f"x = {n}\nprint(x + {k})", "It prints [[]]."),
            ("{Write and run|Run} {a program|code|a loop} that prints the numbers {from |}1 to {k}", f"for i in range(1, {k} + 1):\n    print(i)", "It printed:\n[[]]"),
            ("{Which|What} {P|p}ython version {is this|do you run|is installed}?", "import sys\nprint(sys.version.split()[0])", "It is Python [[]]."),
            ("{运行|执行}：print({n} + {k})", f"print({n} + {k})", "输出是 [[]]。"),
        ]
    )  # fmt: skip
    return reckoned(r, ask, code, answer, n=n, k=k, s=names)


SKILLS: dict[Skill, float] = {
    string: 4, lists: 2.5, dates: 2.5, conversions: 1.2, tables: 1.5, explicit: 1,
}  # fmt: skip
