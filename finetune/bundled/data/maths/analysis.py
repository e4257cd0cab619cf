"""Statistics of given values, sequences, shapes, equations, calculus and matrices."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

import re
from random import Random

from finetune.bundled.data.intents import WHAT, Intent, Slots, skill
from finetune.bundled.data.tasks import Skill, spoken_list


def values(r: Random) -> Slots:
    top = r.choice([12, 20, 50, 100, 500, 9999])
    many: list[float] = [r.randint(1, top) for _ in range(r.randint(3, 9))]
    draw = r.random()
    if draw < 0.15:
        many = [round(v + r.choice([0.5, 0.25, 0.1, 0.75]), 2) for v in many]
    elif draw < 0.22:
        many = [v * r.choice([1, -1]) for v in many]
    elif draw < 0.3:
        many = [*many, many[0], many[0]]
    texts = [str(v) for v in many]
    listed = r.choice(
        [", ".join(texts)] * 4
        + [spoken_list(texts)] * 2
        + [" ".join(texts), ",".join(texts), f"[{', '.join(texts)}]", "; ".join(texts)]
    )
    return {
        "v": listed,
        "c": f"[{', '.join(texts)}]",
        "z": r.choice(["、", "，", ", "]).join(texts),
        "k": r.randint(2, 3),
        "p": r.choice([10, 25, 75, 90, 95]),
    }


STAT = "import statistics\nvalues = {c}\nprint(statistics.%s(values))"


def of_values(
    words: str,
    code: str,
    name: str,
    zh: str,
    more: str = "",
    weight: float = 1.0,
    after: tuple[str, ...] = (),
) -> Intent:
    """What is asked of a list of numbers in the same words, whatever it is."""
    asks = f"""
        {WHAT} the {words} of {{v}}{{?|}}
        {words} of {{v}}{{?|}}
        {{Find|Compute|Calculate|find|I need|Show me|Work out}} the {words} of {{these numbers: |the numbers |these values: |this list: |the list |}}{{v}}
        {{v}}{{: |. }}{{What is|Compute|Find|Give me}} the {words}{{?|}}
        {{{{I have|Here are|Given}} {{the numbers|these numbers:|the values|these measurements:|my results:}}|My data:|Data:|Numbers:}} {{v}}. {{What is|Compute|Find|Tell me|What's}} {{the|their|the}} {words}{{?|}}
        {{what's|whats|what is}} the {words}: {{v}}
        the {words} of {{v}} please
    """
    chinese = f"{{求|计算|}} {{z}} 的{zh}{{是多少？||}}\n{{z}} 的{zh}{{是多少？|是什么？}}\n{{用 Python |}}算一下 {{z}} 的{zh}\n{{这组数|数据}}：{{z}}，{zh}是多少？"
    return Intent(values, asks + more, code, f"The {name} is [[]].", chinese, f"{first_of(zh)}是 [[]]。", weight,
                  broken=("statistics.", "statistic."), follow=tuple(FOLLOW[each] for each in after))  # fmt: skip


def first_of(words: str) -> str:
    """The first of each `{a|b}`."""
    return re.sub(r"\{([^{}|]*)\|[^{}]*\}", r"\1", words)


NOW = "{And|and|What about|and what is|now|Now} "
FOLLOW = {
    "median": (NOW + "the median?", STAT % "median", "The median is [[]]."),
    "mean": (NOW + "the {mean|average}?", STAT % "mean", "The mean is [[]]."),
    "stdev": (
        NOW + "the {standard deviation|stdev}?",
        STAT % "stdev",
        "The standard deviation is [[]].",
    ),
    "max": (
        NOW + "the {maximum|largest}?",
        "values = {c}\nprint(max(values))",
        "The largest is [[]].",
    ),
    "min": (
        NOW + "the {minimum|smallest}?",
        "values = {c}\nprint(min(values))",
        "The smallest is [[]].",
    ),
    "sum": (NOW + "the {sum|total}?", "values = {c}\nprint(sum(values))", "The sum is [[]]."),
    "sorted": (
        "{Now sort them|Sort them|and sorted?|Put them in order}",
        "values = {c}\nprint(sorted(values))",
        "Sorted: [[]]",
    ),
}
STATISTICS = [
    of_values("{mean|average|mean value|arithmetic mean}", STAT % "mean", "mean", "{平均值|平均数|均值}", "{Average|average} {v}\n{On average, how much is|How much is, on average,} {v}?", 2.2, ("median", "stdev", "max", "sum")),
    of_values("median", STAT % "median", "median", "中位数", "Which {number|value} is in the middle of {v}?", 1.5, ("mean", "stdev", "sorted")),
    of_values("{mode|most common value|most frequent number}", STAT % "mode", "most common value", "众数", "Which number {occurs|appears} most often in {v}?", 0.8, ("mean", "median")),
    of_values("{standard deviation|std|stdev|sample standard deviation|standard deviation}", STAT % "stdev", "standard deviation", "标准差", "How much do {v} {vary|scatter}, as a standard deviation?", 1.3, ("mean", "median")),
    of_values("variance", STAT % "variance", "variance", "方差", "", 0.8, ("mean",)),
    of_values("{sum|total}", "values = {c}\nprint(sum(values))", "sum", "{和|总和}", "{Add|add|Sum|sum|Add up|Total|add up} {v}\n{Add|add} {up |}{the numbers|these numbers:} {v}\nHow much is {v} {together|in total|altogether}?\nWhat do {v} add up to?", 1.5, ("mean", "max")),
    of_values("{maximum|largest|biggest|highest|max|largest number|greatest}", "values = {c}\nprint(max(values))", "largest", "最大{值|数}", "Which {number |}is the {largest|biggest|highest|greatest}{:| of|,} {v}?\n{max|maximum|biggest}: {v}", 1.2, ("min", "mean")),
    of_values("{minimum|smallest|lowest|min|smallest number|least}", "values = {c}\nprint(min(values))", "smallest", "最小{值|数}", "Which {number |}is the {smallest|lowest|least}{:| of|,} {v}?\n{min|minimum|smallest}: {v}", 1.0, ("max", "mean")),
    of_values("{range|spread|difference between the largest and the smallest}", "values = {c}\nprint(max(values) - min(values))", "range", "极差", "", 0.5),
    of_values("product", "import math\nvalues = {c}\nprint(math.prod(values))", "product", "{积|乘积}", "{Multiply|multiply} {v}{ together|}", 0.7),
    of_values("{p}th percentile", "import numpy as np\nvalues = {c}\nprint(np.percentile(values, {p}))", "percentile", "第{p}百分位数", "", 0.5),
]  # fmt: skip


def paired(r: Random) -> Slots:
    n = r.randint(3, 6)
    x, y = sorted(r.sample(range(1, 30), n)), [r.randint(1, 60) for _ in range(n)]
    return {"x": x, "y": y, "sx": ", ".join(map(str, x)), "sy": ", ".join(map(str, y))}


def sequence(r: Random) -> Slots:
    low = r.randint(1, 40)
    n = r.choice([r.randint(4, 30), r.randint(10, 100), 10, 50, 100, 200, 1000, 500, 10000])
    return {
        "n": n,
        "l": low,
        "h": low + n,
        "k": r.randint(3, 20),
        "m": r.randint(2, 20),
        "f": r.choice([r.randint(3, 40), r.randint(10, 100)]),
    }


SEQUENCES = [
    Intent(sequence, f"""
        {WHAT} the sum of {{all |the |all the |}}{{numbers|integers|whole numbers|natural numbers}} from {{l}} {{to|up to|through}} {{h}}{{?|}}
        {{Sum|Add|Add up|sum}} {{all |the |all the |}}{{numbers|integers|whole numbers}} {{from {{l}} to {{h}}|between {{l}} and {{h}}}}
        {{What is|How much is|}} {{l}} + ... + {{h}}{{?|}}
        {{sum|Sum}} {{from|of}} {{l}} to {{h}}
    """, "print(sum(range({l}, {h} + 1)))", "The sum from {l} to {h} is [[]].", "从{ |}{l}{ |}加到{ |}{h}{ |}{等于多少？|是多少？|等于几|}\n{l}到{h}{的和|之和}{是多少？|}", "从 {l} 加到 {h} 等于 [[]]。", 1.2, plain=True),
    Intent(sequence, f"""
        {WHAT} the sum of {{all |the |all the |}}{{numbers|integers|whole numbers|natural numbers}} from {{1|one}} {{to|up to|through}} {{n}}{{?|}}
        {{Sum|Add|Add up|sum}} {{all |the |all the |}}{{numbers|integers|whole numbers}} {{from 1 to|up to}} {{n}}
        {{What is|How much is|}} 1 + 2 {{+ 3 |}}+ ... + {{n}}{{?|}}
        {{sum|Sum}} {{from 1 to|of 1 to}} {{n}}
        {WHAT} the sum of the first {{n}} {{natural |whole |}}numbers{{?|}}
        {{Add|add}} 1 to {{n}} {{up|together}}
    """, "print(sum(range(1, {n} + 1)))", "The sum from 1 to {n} is [[]].", "从{ |}1{ |}加到{ |}{n}{ |}{等于多少？|是多少？|等于几|}\n1{到|+2+...+}{n}{的和|等于多少|}{是多少？|？}\n{求|计算|用 Python 算} 1 到 {n} 的和\n前{n}个自然数的和是多少？", "从 1 加到 {n} 等于 [[]]。", 1.8, plain=True),
    Intent(sequence, f"""
        {WHAT} the sum of the squares {{of the numbers |}}{{from 1 to|up to}} {{k}}{{?|}}
        {{Sum|Add|Add up|add}} {{the|all|all the}} squares {{of the numbers |of the integers |of |}}{{from |}}1 to {{k}}
        {WHAT} the sum of the first {{k~}} {{squares|square numbers}}{{?|}}
        {{Sum|Add}} the first {{k~}} {{squares|square numbers}}
        {{What is|}} 1^2 + 2^2 + ... + {{k}}^2{{?|}}
    """, "print(sum(i**2 for i in range(1, {k} + 1)))", "The sum of the squares is [[]].", "1到{k}的平方和是多少？", "平方和是 [[]]。", 1.2),
    Intent(sequence, f"{WHAT} the sum of the cubes from 1 to {{k}}{{?|}}\n{{Sum|Add}} the cubes {{of the numbers |}}from 1 to {{k}}\n{{Sum|Add}} the first {{k~}} cubes", "print(sum(i**3 for i in range(1, {k} + 1)))", "The sum of the cubes is [[]].", weight=0.7),
    Intent(sequence, f"{WHAT} the sum of the first {{n}} odd numbers{{?|}}\n{{Sum|Add|Add up}} the first {{n}} odd numbers", "print(sum(range(1, 2 * {n}, 2)))", "The sum of the first {n} odd numbers is [[]].", "前{n}个奇数的和是多少？", "和是 [[]]。", 0.6),
    Intent(sequence, f"{WHAT} the sum of the first {{n}} even numbers{{?|}}\n{{Sum|Add|Add up}} the first {{n}} even numbers", "print(sum(range(2, 2 * {n} + 1, 2)))", "The sum of the first {n} even numbers is [[]].", "前{n}个偶数的和是多少？", "和是 [[]]。", 0.6),
    Intent(sequence, f"{WHAT} the sum of {{all |the |}}even numbers {{from 1 to|up to}} {{n}}{{?|}}\n{{Sum|Add}} {{all |the |}}even numbers {{from 1 to|up to}} {{n}}", "print(sum(range(2, {n} + 1, 2)))", "The sum is [[]].", weight=0.5),
    Intent(sequence, """
        {What is|What's|Find|Compute|Tell me|Give me} the {f#} {Fibonacci|fibonacci} number{?|}
        {f#} {Fibonacci|fibonacci} number{?|}
        {Fibonacci|fibonacci} number {f}{?|}
        {which|Which} number is the {f#} {in the Fibonacci sequence|Fibonacci number}?
        {fibonacci|fib|Fibonacci}({f})
    """, "from sympy import fibonacci\nprint(fibonacci({f}))", "The {f#} Fibonacci number is [[]].", "第{f}个斐波那契数是{多少|什么}？", "第 {f} 个斐波那契数是 [[]]。", 1.3),
    Intent(sequence, """
        {List|Show|Print|Give me|Show me|Generate|Write} the first {k~} {Fibonacci|fibonacci} numbers
        {What are|Which are} the first {k~} Fibonacci numbers?
        {the |}first {k~} {Fibonacci|fibonacci} numbers{?|}
        {Show|Print} the {Fibonacci|fibonacci} {sequence|series} with {k~} {terms|numbers}
        {k~} {terms|numbers} of the {Fibonacci|fibonacci} {sequence|series}
    """, "from sympy import fibonacci\nprint([fibonacci(i) for i in range(1, {k} + 1)])", "The first {k} Fibonacci numbers are [[]].", "{列出|打印|写出}前{k}个斐波那契数\n斐波那契数列的前{k}项{是什么|}", "前 {k} 个斐波那契数是 [[]]。", 1.3),
    Intent(sequence, "{What is|Find|Compute} the {m#} {triangular|triangle} number{?|}\n{m#} {triangular|triangle} number", "print(sum(range(1, {m} + 1)))", "The {m#} triangular number is [[]].", weight=0.6),
    Intent(sequence, """
        {List|Show|Print|Give me|Show me} the first {k~} {squares|square numbers}
        {List|Show|Print|Give me|Show me} the {squares|square numbers} {of|from} 1 to {k}
        {What are|Which are} the first {k~} {square numbers|squares}?
        the squares of {the numbers |}1 to {k}
    """, "print([i**2 for i in range(1, {k} + 1)])", "The squares are [[]].", "{列出|打印}前{k}个平方数\n1到{k}的平方是多少", "平方数是 [[]]。"),
    Intent(sequence, "{List|Show|Print|Give me|What are} the first {k~} powers of {m}{?|}\n{the |}first {k~} powers of {m}", "print([{m}**i for i in range(1, {k} + 1)])", "The powers are [[]].", weight=0.6),
    Intent(sequence, "{List|Show|Print|Give me|What are} the first {k~} multiples of {m}{?|}\nfirst {k~} multiples of {m}", "print([{m} * i for i in range(1, {k} + 1)])", "The multiples are [[]].", weight=0.7),
    Intent(sequence, "How many {numbers|integers} {from 1 to|up to|between 1 and} {n} are {divisible by|multiples of} {m}?\nHow many multiples of {m} are {there |}{from 1 to|up to} {n}?", "print(len([i for i in range(1, {n} + 1) if i % {m} == 0]))", "There are [[]].", "1到{n}中有几个数能被{m}整除？", "有 [[]] 个。", plain=True),
]  # fmt: skip


def shape(r: Random) -> Slots:
    a, b = r.choice(
        [
            (3, 4),
            (5, 12),
            (6, 8),
            (r.randint(1, 40), r.randint(1, 40)),
            (round(r.uniform(1, 20), 1), r.randint(2, 30)),
        ]
    )
    return {
        "a": a,
        "b": b,
        "c": r.randint(1, 12),
        "deg": r.choice([0, 30, 45, 60, 90, 120, 180, r.randint(1, 359)]),
        "u": r.choice(["", "", " cm", " m", " metres", " inches"]),
        "n": r.choice([r.randint(2, 99), r.randint(2, 5000), 10, 100, 1000]),
        "k": r.choice([2, 3, 5, 10]),
    }


M = "import math\n"
SHAPES = [
    Intent(shape, WHAT + """ the area of a {circle|disc|disk} {with|of} {radius|a radius of} {a}{u}{?|}
        {area|Area} of a circle{,| with| of} radius {a}{u}{?|}
        A circle has {a |the |}radius {of |}{a}{u}. {What is its area|How big is it|How large is its area}?
        How {big|large} is {a|the area of a} circle {with|of} radius {a}{u}?
    """, M + "print(math.pi * {a}**2)", "The area is [[]].", "半径{为|是}{ |}{a}{ |}的圆的面积{是多少？|}\n圆的半径是{a}，面积是多少？", "面积是 [[]]。", 1.2,
    follow=(("{And|and} {its|the} {circumference|perimeter}?", M + "print(2 * math.pi * {a})", "The circumference is [[]]."),)),
    Intent(shape, WHAT + " the {circumference|perimeter} of a circle {with|of} radius {a}{u}{?|}\n{circumference|perimeter} of a circle{,| with} radius {a}{u}\nA circle has radius {a}{u}. What is its {circumference|perimeter}?", M + "print(2 * math.pi * {a})", "The circumference is [[]].", "半径为{a}的圆的周长是多少？", "周长是 [[]]。"),
    Intent(shape, WHAT + " the volume of a {sphere|ball} {with|of} radius {a}{u}{?|}\n{volume|Volume} of a {sphere|ball}{,| with| of} radius {a}{u}{?|}\nA {ball|sphere} has {a |}radius {of |}{a}{u}. {What is its volume|How much fits in}?", M + "print(4 / 3 * math.pi * {a}**3)", "The volume is [[]].", "半径为{a}的球的体积是多少？", "体积是 [[]]。"),
    Intent(shape, WHAT + " the volume of a cylinder with radius {a}{u} and height {b}{u}{?|}\nvolume of a cylinder, radius {a}, height {b}", M + "print(math.pi * {a}**2 * {b})", "The volume is [[]].", weight=0.6),
    Intent(shape, WHAT + " the area of a {rectangle|room|field|garden} {of|with sides|that is} {a}{u} {by|x} {b}{u}{?|}\n{area|Area} of a {rectangle|room} {a} {by|x} {b}{u}\nA {room|garden|field|rectangle} is {a}{u} long and {b}{u} wide. {What is its area|How big is it|How large is the area}?", "print({a} * {b})", "The area is [[]].", "长{a}宽{b}的长方形面积是多少？", "面积是 [[]]。"),
    Intent(shape, WHAT + " the perimeter of a {rectangle|room|field|garden} {of|with sides|that is} {a}{u} {by|x} {b}{u}{?|}\nA {garden|field|rectangle} is {a}{u} long and {b}{u} wide. {What is its perimeter|How long is the fence around it}?", "print(2 * ({a} + {b}))", "The perimeter is [[]].", weight=0.7),
    Intent(shape, WHAT + " the volume of a {cube|die} with {side|sides|edge} {a}{u}{?|}\nvolume of a cube with side {a}", "print({a}**3)", "The volume is [[]].", weight=0.5),
    Intent(shape, WHAT + " the volume of a box {of|that is} {a} {by|x} {b} {by|x} {c}{u}{?|}", "print({a} * {b} * {c})", "The volume is [[]].", weight=0.6),
    Intent(shape, WHAT + " the area of a triangle with base {a}{u} and height {b}{u}{?|}\narea of a triangle{, base| with base} {a}{ and|,} height {b}", "print({a} * {b} / 2)", "The area is [[]].", "底为{a}高为{b}的三角形面积是多少？", "面积是 [[]]。", 0.7),
    Intent(shape, WHAT + """ the {hypotenuse|longest side|length of the hypotenuse} of a {right |right-angled }triangle with {sides|legs} {a}{u} and {b}{u}{?|}
        {The legs of a right triangle are|A right triangle has legs|A right triangle has short sides of|The short sides of a right triangle are} {a}{u} and {b}{u}. {How long is the hypotenuse|What is the hypotenuse|How long is the longest side|What is the third side}?
        hypotenuse {of|for} {a} and {b}
        {How far is it across|How long is the diagonal of|What is the diagonal of} a {rectangle|field|room|screen} {of |}{a} by {b}{u}?
    """, M + "print(math.hypot({a}, {b}))", "It is [[]] long.", "直角三角形的两条直角边是{a}和{b}，斜边是多少？", "斜边是 [[]]。", 1.2),
    Intent(shape, WHAT + " {the sine of {deg} degrees|sin({deg}°)|sin of {deg} degrees|sin {deg} degrees}{?|}\nsine of {deg}{°| degrees}", M + "print(math.sin(math.radians({deg})))", "The sine of {deg} degrees is [[]].", "{deg}度的正弦是多少？", "正弦是 [[]]。", 0.7),
    Intent(shape, WHAT + " {the cosine of {deg} degrees|cos({deg}°)|cos of {deg} degrees|cos {deg} degrees}{?|}\ncosine of {deg}{°| degrees}", M + "print(math.cos(math.radians({deg})))", "The cosine of {deg} degrees is [[]].", weight=0.7),
    Intent(shape, "{Convert|Turn} {deg}{°| degrees} {to|into} radians\n{What is|} {deg} degrees in radians{?|}", M + "print(math.radians({deg}))", "{deg} degrees are [[]] radians.", "{deg}度等于多少弧度？", "等于 [[]] 弧度。", 0.7),
    Intent(shape, WHAT + " the {natural logarithm|natural log|ln} of {n}{?|}\n{ln({n})|ln {n}|natural log of {n}}{?|}\n{What is|Compute} ln({n})", M + "print(math.log({n}))", "The natural logarithm of {n} is [[]].", "{n} 的自然对数是多少？", "{n} 的自然对数是 [[]]。"),
    Intent(shape, WHAT + " {the {base-10|decimal|common} logarithm of {n}|log10 of {n}|the log base 10 of {n}|log10({n})}{?|}\nlog10 of {n}\nlog10({n})", M + "print(math.log10({n}))", "The base-10 logarithm of {n} is [[]].", broken=("math.log10", "math.lg")),
    Intent(shape, WHAT + " the {log|logarithm} of {n} {to|with|in} base {k}{?|}\nlog base {k} of {n}{?|}", M + "print(math.log({n}, {k}))", "The logarithm is [[]].", weight=0.6),
    Intent(shape, WHAT + " e {to the power {of |}|^}{c}{?|}\ne^{c}\nexp({c})", M + "print(math.exp({c}))", "e to the power {c} is [[]].", weight=0.6),
    Intent(shape, WHAT + " the distance {between|from} ({a}, {b}) {and|to} ({c}, {k}){?|}", M + "print(math.dist(({a}, {b}), ({c}, {k})))", "The distance is [[]].", weight=0.6),
]  # fmt: skip
SKILLS: dict[Skill, float] = {skill(STATISTICS): 5.5, skill(SEQUENCES): 3.5, skill(SHAPES): 3}
