"""Strings and lists: letters, words, cases, order, duplicates, sets."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from finetune.bundled.data.intents import Intent, Slots, skill
from finetune.bundled.data.tasks import Skill, spoken_list
from finetune.bundled.data.vocabulary import NAMES, SENTENCES, WORDS

LONG_WORDS = ["encyclopedia", "education", "umbrella", "algorithm", "restaurant", "knowledge", "rhythm", "beautiful", "university",
        "literature", "desserts", "drawer", "stats", "civic", "rotor", "madam", "onion", "giraffe", "apple", "table", "computer",
        "necessary", "success", "vacuum", "pepper", "kangaroo", "orchestra", "hippopotamus", "Berlin", "Anna", "notebook", "pizza",
        "lemonade", "silence", "zigzag", "queue", "audio", "raspberry", "cinnamon", "refrigerator", "desert", "live", "listen"]  # fmt: skip
PHRASES = [*SENTENCES, "the dog sat on the red mat", "I like tea and cake", "my cat sleeps all day", "Hello there", "we are going home now",
           "python is fun", "see you next week", "one small step", "it was a dark night", "please call me back tomorrow", "life is good",
           "The sun sets in the west", "big blue sea", "no news is good news"]  # fmt: skip
ANAGRAMS = [("listen", "silent"), ("night", "thing"), ("stressed", "desserts"), ("evil", "live"), ("angel", "glean"), ("hello", "world"),
            ("state", "taste"), ("cat", "dog"), ("elbow", "below"), ("apple", "maple"), ("dusty", "study"), ("heart", "earth")]  # fmt: skip


def text(r: Random) -> Slots:
    word = (
        r.choice([*WORDS, *LONG_WORDS])
        if r.random() < 0.75
        else "".join(r.choices("abcdefghijklmnoprstuvw", k=r.randint(4, 9)))
    )
    said = r.choice(PHRASES)
    q = r.choice(['"', "'", "", '"', "“"])
    letter = r.choice([*word.lower()] * 3 + [*"aeiorst"])
    one, two = r.choice(ANAGRAMS)
    inside = r.choice([w for w in said.split() if len(w) > 1])
    end = "”" if q == "“" else q
    mixed = r.choice([said, word])
    return {"w": word, "W": f"{q}{word}{end}", "t": said, "T": f'"{said}"' if r.random() < 0.7 else f"'{said}'", "l": letter, "L": r.choice([letter, letter, f'"{letter}"', f"'{letter}'"]),
            "s": r.randint(1, 13), "k": r.randint(1, min(5, len(word) - 1)), "a1": one, "a2": two, "in": inside, "other": r.choice([w for w in LONG_WORDS if w != inside]),
            "m": mixed, "M": f'"{mixed}"' if r.random() < 0.8 or " " in mixed else mixed}  # fmt: skip


WORD = "{the word |the string |the text |}"
STRINGS = [
    Intent(text, """
        {Reverse|reverse|Turn around|Flip} """ + WORD + """{M}
        {What is|What's|Show me} {M} {backwards|reversed|spelled backwards|in reverse}{?|}
        {Spell|Write|Print|Say|write} """ + WORD + """{M} {backwards|in reverse|the other way round|from back to front}
        {M} {backwards|reversed|in reverse}{?| please}
        How {do you spell|do you write|is} {M} {spelled |}backwards?
        {What do you get|What comes out} when you reverse {M}?
        {Give me|Show} the reverse of {M}
    """, 'print("{m}"[::-1])', "{m} reversed is [[]].", "{把|将|请把}{ |}{m}{ |}{反转|倒过来写|倒过来|反过来写|倒着写}\n{m} 倒过来{是什么|怎么写}？\n反转字符串 {M}", "{m} 反过来是 [[]]。", 2.2, plain=True),
    Intent(text, """
        How many times {does|is} {the letter |}{L} {occur|appear|used|come up|show up} in {W}?
        How many times does {L} appear in {W}?
        How many {l}'s are {there |}in {W}?
        How many {l}s {are in|does {W} have|are there in} {W}?
        {Count|count} the {l}{'s|s} in {W}
        {Count|count} {how often|how many times} {L} {is|appears|occurs} in {W}
        {How often|how often} {does {L} {occur|appear}|is {L}} in {W}?
        {number of|Number of} {l}'s in {W}
        {How many|how many} letters {L} {are there |are |}in {W}?
    """, 'print("{w}".count("{l}"))', "The letter {l} occurs [[]] times in {w}.", "{w}{ |}里{面|}有{几|多少}个{字母|} {l}？\n{数一下|} {w} 中{字母|} {l} 出现了{几|多少}次\n字母 {l} 在 {w} 中出现几次？", "{w} 里有 [[]] 个 {l}。", 2.2, plain=True),
    Intent(text, """
        How {long is|many letters has|many letters does} {the word |}{W}{ have|}?
        How many {letters|characters} {are|are there} in {the word |}{W}?
        {Count|count} the {letters|characters} {in|of} {the word |}{W}
        {What is|Find|Tell me} the length of {the word |the string |}{W}{?|}
        {length|Length} of {W}
        {number of|Number of} letters in {W}
    """, 'print(len("{w}"))', "{w} has [[]] letters.", "{w} 有{几|多少}个字母？\n{W} 的长度是多少？", "{w} 有 [[]] 个字母。", 1.5, plain=True),
    Intent(text, """
        How many words {are in|are there in|does|has} {the sentence |}{T}?
        {Count|count} the words {in|of} {T}
        {number of|Number of|What is the number of} words in {T}
        {T}{: |. |, }how many words {is that|are there|are these}?
    """, 'print(len("{t}".split()))', "It has [[]] words.", "{T} 有{几|多少}个单词？", "有 [[]] 个单词。", 1.3, plain=True),
    Intent(text, """
        {Is|is} {W} a palindrome?
        {Check|check|Test|Tell me} {if|whether} {W} is a palindrome
        {W}: {palindrome|a palindrome} or not?
        {Does|does} {W} read the same {backwards|both ways|forwards and backwards}?
        {Is|is} {the word |}{W} the same {backwards|in reverse}?
    """, 'word = "{w}"\nprint(word == word[::-1])', "True, {w} is a palindrome.||False, {w} is not a palindrome.", "{w} 是回文吗？", "True，{w} 是回文。||False，{w} 不是回文。", 1.4, plain=True),
    Intent(text, """
        How many vowels {does|has} {W}{ have|}?
        How many vowels are {there |}in {W}?
        {Count|count} the vowels {in|of} {W}
        {number of|Number of} vowels in {W}
    """, 'print(sum(c in "aeiouAEIOU" for c in "{w}"))', "{w} has [[]] vowels.", "{w} 里有几个元音{字母|}？", "{w} 有 [[]] 个元音。", 1.3, plain=True),
    Intent(text, "How many consonants {does|has} {W}{ have|}?\n{Count|count} the consonants in {W}\nHow many consonants are in {W}?", 'print(sum(c.isalpha() and c not in "aeiouAEIOU" for c in "{w}"))', "{w} has [[]] consonants.", weight=0.5, plain=True),
    Intent(text, """
        {Write|Put|Convert|Turn|Make|Change} {T} {in|to|into} {upper case|uppercase|capitals|capital letters|all caps}
        {make|Make} {T} {uppercase|upper case|all caps}
        {T} {in|to} {upper case|uppercase|capitals|capital letters|all caps}
        {uppercase|Uppercase|Upper case|Capitalize all letters of} {T}
    """, 'print("{t}".upper())', "[[]]", "把 {T} {变成|改成|转换成}大写\n{T} 的大写是什么？", "[[]]", 1.2, plain=True),
    Intent(text, """
        {Write|Put|Convert|Turn|Make} {T} {in|to|into} {lower case|lowercase|small letters}
        {make|Make} {T} {lowercase|lower case}
        {lowercase|Lowercase} {T}
    """, 'print("{t}".lower())', "[[]]", "把 {T} {变成|改成}小写", "[[]]", 0.7, plain=True),
    Intent(text, """
        {Capitalize|capitalize} {each|every} word {of|in} {T}
        {Write|Put|Convert} {T} {in|to} title case
        {T} in title case
        {Make|Write} the first letter of {each|every} word in {T} {a capital|uppercase|upper case}
    """, 'print("{t}".title())', "[[]]", weight=0.8, plain=True),
    Intent(text, """
        {Replace|Swap|Change} {in {T} |}the word {in} {with|by|for|to} {other} {in {T}|here: {T}}
        {Replace|replace} "{in}" {with|by} "{other}" in {T}
        In {T}, {replace|change} {in} {with|to|by} {other}
    """, 'print("{t}".replace("{in}", "{other}"))', "[[]]", "把 {T} 中的 {in} {换成|替换为} {other}", "[[]]", 0.9, plain=True),
    Intent(text, "{Remove|Delete|Drop} {all the|all|every|the} {spaces|blanks} {from|in} {T}\n{T} without spaces", 'print("{t}".replace(" ", ""))', "[[]]", weight=0.6, plain=True),
    Intent(text, "{Remove|Delete|Drop} {all the vowels|all vowels|the vowels} {from|in} {W}\n{W} without vowels", 'print("".join(c for c in "{w}" if c not in "aeiouAEIOU"))', "[[]]", weight=0.6, plain=True),
    Intent(text, "{Remove|Delete|Drop} {every|each|all|the letter} {l} {from|in} {W}", 'print("{w}".replace("{l}", ""))', "[[]]", weight=0.5, plain=True),
    Intent(text, """
        {Sort|Put|Order|Arrange} the letters {of|in} {W}{ in order| alphabetically| in alphabetical order}
        {What are|Show} the letters of {W} in {alphabetical |}order{?|}
        {W}{:|,} letters sorted
    """, 'print("".join(sorted("{w}")))', "The letters of {w} in order: [[]]", "把 {w} 的字母按顺序排列", "[[]]", 0.9, plain=True),
    Intent(text, """
        {What is|Which is|Find|Show me} the longest word {in|of} {T}{?|}
        Which word {in|of} {T} is the longest?
        longest word {in|of} {T}
    """, 'print(max("{t}".split(), key=len))', "The longest word is [[]].", "{T} 中最长的单词是哪个？", "最长的是 [[]]。", 0.9, plain=True),
    Intent(text, """
        {Count|count} {each letter|every letter|all the letters|how often each letter occurs|the frequency of each letter} in {W}
        How often does each letter {occur|appear} in {W}?
        {letter|character} {counts|frequencies|frequency} {of|in} {W}
    """, 'from collections import Counter\nprint(dict(Counter("{w}")))', "The letters: [[]]", "统计 {w} 中每个字母出现的次数", "[[]]", plain=True),
    Intent(text, "{Which|What} {letter|character} {is the most common|occurs most often|appears most often|is the most frequent} in {W}?\nmost {common|frequent} letter {in|of} {W}", 'from collections import Counter\nprint(Counter("{w}").most_common(1)[0][0])', "It is [[]].", weight=0.7, plain=True),
    Intent(text, """
        {Encode|Encrypt|encode|Shift} {w} with a Caesar {cipher|shift} of {s}
        Caesar {cipher|code} of {w} with shift {s}
        {Shift|Move} {each|every} letter of {w} by {s}
    """, 'print("".join(chr((ord(c) - 97 + {s}) % 26 + 97) for c in "{w}".lower()))', "[[]]", weight=0.6, plain=True),
    Intent(text, """
        {Reverse|Turn around} the {order of the |}words {in|of} {T}
        {Write|Say} the words {of|in} {T} {in reverse order|backwards}
        {Put|Write} the words of {T} in reverse order
    """, 'print(" ".join("{t}".split()[::-1]))', "[[]]", weight=0.6, plain=True),
    Intent(text, """
        {What are|Show|Give me|Print} the first {k~} letters of {W}{?|}
        first {k~} letters of {W}
    """, 'print("{w}"[:{k}])', "The first letters are [[]].", "{w} 的前{k}个字母是什么？", "是 [[]]。", 0.7, plain=True),
    Intent(text, "{What are|Show|Give me|Print} the last {k~} letters of {W}{?|}\nlast {k~} letters of {W}", 'print("{w}"[-{k}:])', "The last letters are [[]].", weight=0.7, plain=True),
    Intent(text, "{What is|Which is|Which letter is} the {k#} letter {of|in} {W}{?|}", 'print("{w}"[{k} - 1])', "The {k#} letter of {w} is [[]].", "{w} 的第{k}个字母是什么？", "是 [[]]。", 0.7, plain=True),
    Intent(text, """
        {Are|are} {a1} and {a2} anagrams{ of each other|}?
        {Is|is} {a1} an anagram of {a2}?
        {Check|Tell me} {if|whether} {a1} and {a2} are anagrams
    """, 'print(sorted("{a1}") == sorted("{a2}"))', "True, {a1} and {a2} are anagrams.||False, {a1} and {a2} are not anagrams.", weight=0.8, plain=True),
    Intent(text, "{Repeat|Write|Print|Say} {W} {s} times", 'print(" ".join(["{w}"] * {s}))', "[[]]", weight=0.6, plain=True),
    Intent(text, "{Split|Break} {T} into {words|a list of words}\n{Make|Give me} a list of the words in {T}", 'print("{t}".split())', "The words: [[]]", weight=0.6, plain=True),
    Intent(text, "{Sort|Order|Put} the words {of|in} {T}{ alphabetically| in alphabetical order|}", 'print(sorted("{t}".split()))', "[[]]", weight=0.6, plain=True),
]  # fmt: skip


def numbers(r: Random) -> Slots:
    top = r.choice([12, 20, 50, 100, 999])
    many = [r.randint(1, top) for _ in range(r.randint(4, 9))]
    doubled = [*many, many[0], many[1], r.choice(many)]
    r.shuffle(doubled)
    other = [*r.sample(many, 2), *(r.randint(1, top) for _ in range(r.randint(1, 4)))]
    r.shuffle(other)

    def said(values: list[int]) -> str:
        texts = [str(v) for v in values]
        return r.choice(
            [", ".join(texts)] * 4 + [spoken_list(texts), " ".join(texts), f"[{', '.join(texts)}]"]
        )

    return {"v": said(many), "c": many, "d": said(doubled), "dc": doubled, "o": said(other), "oc": other, "k": r.randint(2, 3), "m": r.randint(2, 12), "t": r.randint(3, top),
            "z": "、".join(map(str, many)), "zd": "、".join(map(str, doubled))}  # fmt: skip


THESE = "{the numbers |these numbers: |these: |the list |}"
DOWN = "{from largest to smallest|in descending order|descending|from high to low|from biggest to smallest|from big to small|largest first|downwards}"
UP = "{| in ascending order| from smallest to largest| ascending| from low to high| from small to big}"
LISTS = [
    Intent(numbers, """
        {Sort|Order|sort|Arrange} """ + THESE + "{v}" + UP + """
        {Put|Bring} """ + THESE + "{v} {in order|in ascending order|into the right order}" + """
        {v}{: |. |, }{sort them|sorted please|in order please|put them in order|sort these}
    """, "print(sorted({c}))", "Sorted: [[]]", "{把|将|请把|给}{z}{从小到大|}排{序|个序}\n{把|将}{z}从小到大排列", "排序后：[[]]", 1.6, follow=(("{Now the other way round|and descending?|Reverse them|now from high to low}", "print(sorted({c}, reverse=True))", "From largest to smallest: [[]]"),)),
    Intent(numbers, "{Sort|Order|sort|Arrange|Put} " + THESE + "{v} " + DOWN + "\n{v}{: |. |, }{sort them|put them in order} " + DOWN, "print(sorted({c}, reverse=True))", "From largest to smallest: [[]]", "{把|将}{z}从大到小排{序|列}", "从大到小：[[]]", 1.3),
    Intent(numbers, """
        {Remove|Drop|Delete|remove|Take out} {the |all |}{duplicates|duplicate numbers|repeated numbers|doubles} {from|in} {the list |}{d}
        {What are|Show|Give me|List} the {unique|distinct|different} {numbers|values} {in|of} {d}{?|}
        {unique|distinct} values of {d}
        {d} without {duplicates|repeats|the duplicates}
        {Dedupe|dedupe|Deduplicate} {d}
    """, "print(list(dict.fromkeys({dc})))", "Without duplicates: [[]]", "{去掉|删除}{zd}中{的|}重复{的|}{数字|}\n{把|给}{zd}去重", "去重后：[[]]", 1.5),
    Intent(numbers, """
        {Which|Which numbers|Which ones} of {these: |the numbers |the list |}{v} are even?
        {Which of the numbers|Which of} {v} are even?
        {Find|Show|List|Keep|Pick|Give me} the even {numbers|ones} {in|of|from|among} {v}
        {v}: which {ones |numbers |}are even?
        {Filter|Keep only} the even {numbers|ones} {from|of} {v}
    """, "print([x for x in {c} if x % 2 == 0])", "The even ones are [[]].", "{z}中{哪些|有哪些}{数|}是偶数？", "偶数是 [[]]。", 1.2,
    follow=(("{And|and} the odd ones?", "print([x for x in {c} if x % 2 == 1])", "The odd ones are [[]]."),)),
    Intent(numbers, """
        {Which|Which numbers|Which ones} of {these: |the numbers |the list |}{v} are odd?
        {Find|Show|List|Keep|Pick} the odd {numbers|ones} {in|of|from|among} {v}
        {v}: which {ones |}are odd?
    """, "print([x for x in {c} if x % 2 == 1])", "The odd ones are [[]].", "{z}中{哪些|有哪些}{数|}是奇数？", "奇数是 [[]]。"),
    Intent(numbers, "{Which|Which numbers} of {v} are {greater|larger|bigger|higher|more} than {t}?\n{Show|List|Find|Keep} the {numbers|ones} {above|over|greater than} {t} {in|of|from} {v}", "print([x for x in {c} if x > {t}])", "They are [[]].", "{z}中哪些大于{t}？", "大于 {t} 的是 [[]]。"),
    Intent(numbers, "{Which|Which numbers} of {v} are {less|smaller|lower} than {t}?\n{Show|List|Find|Keep} the {numbers|ones} {below|under|smaller than} {t} {in|of|from} {v}", "print([x for x in {c} if x < {t}])", "They are [[]].", weight=0.7),
    Intent(numbers, "{What is|Which is|Find} the second {largest|biggest|highest} {number |}{of|in} {v}{?|}\nsecond {largest|highest} {number |}{of|in} {v}", "print(sorted({c}, reverse=True)[1])", "The second largest is [[]].", "{z}中第二大的{数|}是{多少|哪个}？", "是 [[]]。"),
    Intent(numbers, "{What is|Which is|Find} the second {smallest|lowest} {number |}{of|in} {v}{?|}", "print(sorted({c})[1])", "The second smallest is [[]].", weight=0.4),
    Intent(numbers, "{What are|Find|Show} the {k~} {largest|biggest|highest} {numbers |}{of|in} {v}{?|}\ntop {k~} of {v}", "print(sorted({c}, reverse=True)[:{k}])", "They are [[]].", weight=0.8),
    Intent(numbers, "{What are|Find|Show} the {k~} {smallest|lowest} {numbers |}{of|in} {v}{?|}", "print(sorted({c})[:{k}])", "They are [[]].", weight=0.4),
    Intent(numbers, "{Reverse|reverse|Turn around} the {list|order of the list|numbers} {v}\n{v} in reverse order", "print({c}[::-1])", "Reversed: [[]]", weight=0.8),
    Intent(numbers, "{Double|double} {each|every one|every number|all} of {v}\n{Multiply|multiply} {each|all} of {v} by 2", "print([2 * x for x in {c}])", "The results are [[]].", weight=0.7),
    Intent(numbers, "{Square|square} {each|every one|every number|all} of {v}\n{the |}squares of {v}", "print([x**2 for x in {c}])", "The squares are [[]].", "{z}的平方分别是多少？", "分别是 [[]]。", 0.8),
    Intent(numbers, "{Add|add} {m} to {each|every one|all} of {v}", "print([x + {m} for x in {c}])", "The results are [[]].", weight=0.5),
    Intent(numbers, "{Multiply|multiply} {each|every one|all} of {v} by {m}", "print([{m} * x for x in {c}])", "The results are [[]].", weight=0.4),
    Intent(numbers, "{Show|Compute|What are|Give me} the {running|cumulative} {sum|sums|total|totals} of {v}{?|}\n{cumulative|running} {sum|total} of {v}", "from itertools import accumulate\nprint(list(accumulate({c})))", "The running sums are [[]].", weight=0.8),
    Intent(numbers, "{Show|Compute|What are} the differences between neighbours in {v}{?|}\ndifferences of {consecutive|neighbouring} numbers in {v}", "values = {c}\nprint([b - a for a, b in zip(values, values[1:])])", "The differences are [[]].", weight=0.5),
    Intent(numbers, "{Which numbers|Which} {are|occur} {in both|both in} {v} and {o}?\n{What do|Which numbers do} the lists {v} and {o} have in common?\n{intersection|common numbers|Intersection} of {v} and {o}", "print(sorted(set({c}) & set({oc})))", "In both: [[]]", "{v} 和 {o} 有哪些共同的数？", "共同的数：[[]]", 0.9),
    Intent(numbers, "{union|Union} of {v} and {o}\n{Merge|Join} the lists {v} and {o} without duplicates", "print(sorted(set({c}) | set({oc})))", "Together: [[]]", weight=0.5),
    Intent(numbers, "How {many times|often} {does {t} occur|is {t}} in {v}?\n{Count|count} {t} in {v}", "print({c}.count({t}))", "It occurs [[]] times.", weight=0.5),
    Intent(numbers, "How many numbers are {in|there in} {v}?\n{Count|count} the numbers {v}\n{How long is|What is the length of} the list {v}?", "print(len({c}))", "There are [[]] numbers.", weight=0.8),
    Intent(numbers, "{Which|What} number {occurs twice|is a duplicate|is repeated|occurs more than once} in {d}?\n{Find|Show} the duplicates in {d}", "values = {dc}\nprint([x for x in dict.fromkeys(values) if values.count(x) > 1])", "More than once: [[]]", weight=0.6),
]  # fmt: skip


def names(r: Random) -> Slots:
    pool = r.choice(
        [
            NAMES,
            [*WORDS, *LONG_WORDS],
            [
                "apple",
                "banana",
                "pear",
                "plum",
                "fig",
                "cherry",
                "kiwi",
                "lemon",
                "mango",
                "peach",
                "grape",
                "melon",
            ],
            ["tea", "milk", "bread", "rice", "eggs", "salt", "oil", "sugar", "beans", "jam"],
        ]
    )
    many = r.sample(pool, r.randint(3, 6))
    doubled = [*many, r.choice(many), r.choice(many)]
    r.shuffle(doubled)

    def code(values: list[str]) -> str:
        return "[" + ", ".join(f'"{x}"' for x in values) + "]"

    def said(values: list[str]) -> str:
        return r.choice(
            [", ".join(values)] * 3
            + [spoken_list(values), spoken_list(values, "or"), " ".join(values)]
        )

    return {
        "v": said(many),
        "c": code(many),
        "d": ", ".join(doubled),
        "dc": code(doubled),
        "k": min(2, len(many) - 1),
        "z": "、".join(many),
    }


ABC = "{alphabetically|in alphabetical order|from A to Z|by alphabet|by name}"
NAMED = [
    Intent(names, """
        {Sort|Order|sort|Arrange} {the words |these words: |these names: |these: |the names |}{v}{ """ + ABC + """|}
        {Put|Bring|put|List|Write} {these |the words |these words |the following |} {in|into} alphabetical order: {v}
        {Put|Bring|put} {v} {in|into} {alphabetical order|ABC order}
        {Alphabetize|alphabetize|Alphabetise}{:|} {v}
        {v}{: |. |, }{sort them|put them in alphabetical order|sort these alphabetically}
        What is the alphabetical order of {v}?
    """, "print(sorted({c}))", "In alphabetical order: [[]]", "{把|将|请把}{z}按字母{顺序|}{排序|排列}", "排序后：[[]]", 1.8),
    Intent(names, "{Sort|Order|sort} {v} by {length|word length|number of letters}\n{Put|Order} {v} {from shortest to longest|by length}", "print(sorted({c}, key=len))", "By length: [[]]", weight=0.7),
    Intent(names, "{Which|What} is the longest {word |name |}{of|in|among|:} {v}?\n{Which word|Which} {of|in} {v} {is the longest|has the most letters}?", "print(max({c}, key=len))", "The longest is [[]].", "{z}中哪个最长？", "最长的是 [[]]。", 0.8),
    Intent(names, "{Which|What} is the shortest {word |name |}{of|in|among|:} {v}?", "print(min({c}, key=len))", "The shortest is [[]].", weight=0.5),
    Intent(names, "{Remove|Drop|Delete|Take out} {the |all |}{duplicates|doubles|repeated words} {from|in} {the list |}{d}\n{d} without {duplicates|repeats}\n{unique|distinct} {words|entries} {of|in} {d}", "print(list(dict.fromkeys({dc})))", "Without duplicates: [[]]"),
    Intent(names, "{Count|count} {how often each {word |name |}occurs in|the words in the list|each of} {d}\nHow often does each {word|name} {occur|appear} in {d}?", "from collections import Counter\nprint(dict(Counter({dc})))", "The counts: [[]]", weight=0.7),
    Intent(names, "{Shuffle|shuffle|Mix|Mix up} {the list |}{v}\n{Put|Bring} {v} {in|into} {a |}random order\nrandom order {of|for} {v}", "import random\nnames = {c}\nrandom.shuffle(names)\nprint(names)", "Shuffled: [[]]", "把{z}随机排序\n打乱{z}{的顺序|}", "打乱后：[[]]", 0.9),
    Intent(names, "{Pick|Choose|Draw|pick|Select} {one|someone|one of them} {of|from|out of|among} {v}{ at random| randomly|}\n{v}: {pick|choose} one{ at random|}\n{Choose|Pick} randomly {between|among|from} {v}", "import random\nprint(random.choice({c}))", "I picked [[]].", "从{z}中随机选一个\n{z}，随机选一个", "选中的是 [[]]。", 1.1),
    Intent(names, "{Pick|Choose|Draw|Select} {k~} {of|from|out of|among} {v} at random\n{k~} random ones {of|from} {v}", "import random\nprint(random.sample({c}, {k}))", "I picked [[]].", weight=0.5),
    Intent(names, "{Join|Combine} {v} with {commas|a comma}\n{Write|Put} {v} in one line, {with|separated by} commas", 'print(", ".join({c}))', "[[]]", weight=0.4),
    Intent(names, "{Number|number} {the |these |}{items|words|names}{:|} {v}\n{Make|Print} a numbered list of {v}", 'for i, name in enumerate({c}, 1):\n    print(i, name)', "The list:\n[[]]", weight=0.5),
]  # fmt: skip
SKILLS: dict[Skill, float] = {skill(STRINGS): 5.5, skill(LISTS): 3, skill(NAMED): 2}
