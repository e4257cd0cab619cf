"""Statistics, series, shapes and equations in Python; and sums whose first try fails."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from backends.bundled.data.numbers import WHAT, reckoned
from backends.bundled.data.tasks import Skill, Task, phrase


def statistics(r: Random) -> Task:
    values: list[float] = [
        r.choice([r.randint(1, 100), r.randint(1, 20)]) for _ in range(r.randint(3, 9))
    ]
    if r.random() < 0.2:
        values = [v + r.choice([0.5, 0.25, 0.1]) for v in values]
    listed = r.choice([", ".join, " ".join])(map(str, values)) if r.random() < 0.8 else str(values)
    word, code, zh = r.choice(
        [
            ("{mean|average|mean}", "import statistics\nprint(statistics.mean(values))", "平均值"),
            ("median", "import statistics\nprint(statistics.median(values))", "中位数"),
            ("{standard deviation|std}", "import statistics\nprint(statistics.stdev(values))", "标准差"),
            ("variance", "import statistics\nprint(statistics.variance(values))", "方差"),
            ("sum", "print(sum(values))", "总和"),
            ("{maximum|largest}", "print(max(values))", "最大值"),
            ("{minimum|smallest}", "print(min(values))", "最小值"),
            ("range", "print(max(values) - min(values))", "极差"),
        ]
    )  # fmt: skip
    name = phrase(r, word)
    head = f"values = [{', '.join(map(str, values))}]\n"
    if "import" in code:
        head, code = "import statistics\n" + head, code.removeprefix("import statistics\n")
    if r.random() < 0.15:
        return reckoned(r, phrase(r, "{求|计算|} {v} 的{z}{是多少？|}", v=", ".join(map(str, values)), z=zh),
                        head + code, f"{zh}是 [[]]。")  # fmt: skip
    follow: tuple[Task, ...] = ()
    if r.random() < 0.3:
        word2, code2 = r.choice(
            [("median", "median"), ("mean", "mean"), ("standard deviation", "stdev")]
        )
        body = head if "import" in head else "import statistics\n" + head
        follow = (reckoned(r, phrase(r, "{And|and|What about} the {w}?", w=word2),
                           f"{body}print(statistics.{code2}(values))", f"The {word2} is [[]]."),)  # fmt: skip
    ask = phrase(r, "{" + WHAT + " the {w} of {v}{?|}|{w} of {v}}", w=name, v=listed)
    return reckoned(r, ask, head + code, f"The {name} is [[]].", follow)


def series(r: Random) -> Task:
    n, low = r.choice([r.randint(5, 30), r.randint(10, 100), 100, 1000, 500]), r.randint(1, 20)
    fib = "a, b = 0, 1\nfor _ in range({n}):\n    a, b = b, a + b\nprint(a)".replace("{n}", str(n))
    k = r.randint(5, 20)
    ask, code, answer = r.choice(
        [
            (WHAT + " the {n}th Fibonacci number{?|}", fib, f"The {n}th Fibonacci number is [[]]."),
            ("{List|Show|Print|Give me} the first {k} Fibonacci numbers",
             f"numbers = [0, 1]\nwhile len(numbers) < {k}:\n    numbers.append(numbers[-1] + numbers[-2])\nprint(numbers)",
             f"The first {k} Fibonacci numbers are [[]]."),
            ("{Sum|Add|What is the sum of} {the|all} {numbers|integers} from {l} to {h}{?|}", f"print(sum(range({low}, {low + n} + 1)))",
             f"The sum from {low} to {low + n} is [[]]."),
            (WHAT + " the sum of the squares {from 1 to {n}|of the first {n} numbers}{?|}", f"print(sum(i**2 for i in range(1, {n} + 1)))",
             f"The sum of the first {n} squares is [[]]."),
            (WHAT + " the sum of the first {n} {odd|odd} numbers{?|}", f"print(sum(range(1, 2 * {n}, 2)))",
             f"The sum of the first {n} odd numbers is [[]]."),
            (WHAT + " the sum of the first {n} even numbers{?|}", f"print(sum(range(2, 2 * {n} + 1, 2)))",
             f"The sum of the first {n} even numbers is [[]]."),
            ("{List|Show|Print} the {squares|square numbers} from 1 to {k}", f"print([i**2 for i in range(1, {k} + 1)])",
             "The squares are [[]]."),
            ("{Show|Print|List} the multiplication table of {l}|{times table|multiplication table} {for|of} {l}",
             f"for i in range(1, 11):\n    print({low}, \"x\", i, \"=\", {low} * i)", f"The table of {low}:\n[[]]"),
            ("How many {numbers|multiples of {l}} {from 1 to {n}|up to {n}} are divisible by {l}?",
             f"print(len([i for i in range(1, {n} + 1) if i % {low} == 0]))", "There are [[]]."),
            ("从1加到{n}等于多少？", f"print(sum(range(1, {n} + 1)))", f"从 1 加到 {n} 等于 [[]]。"),
            ("{列出|打印}前{k}个斐波那契数",
             f"numbers = [0, 1]\nwhile len(numbers) < {k}:\n    numbers.append(numbers[-1] + numbers[-2])\nprint(numbers)",
             f"前 {k} 个斐波那契数是 [[]]。"),
        ]
    )  # fmt: skip
    slots = {"n": n, "l": low, "h": low + n, "k": k}
    return reckoned(r, phrase(r, "{" + ask + "}", **slots), code, answer)


def shapes(r: Random) -> Task:
    a, b, c = r.randint(1, 30), r.randint(1, 30), r.randint(1, 12)
    km, hours = r.randint(20, 900), r.choice([2, 3, 4, 5, 1.5, 2.5])
    i = "import math\n"
    ask, code, answer = r.choice(
        [
            (WHAT + " the area of a circle {with|of} radius {a}{?|}", f"{i}print(math.pi * {a}**2)", "The area is [[]]."),
            (WHAT + " the {circumference|perimeter} of a circle with radius {a}{?|}", f"{i}print(2 * math.pi * {a})", "The circumference is [[]]."),
            (WHAT + " the volume of a {sphere|ball} {with|of} radius {a}{?|}", f"{i}print(4 / 3 * math.pi * {a}**3)", "The volume is [[]]."),
            (WHAT + " the area of a {rectangle|room} of {a} by {b}{?|}", f"print({a} * {b})", "The area is [[]]."),
            (WHAT + " the {hypotenuse|longest side} of a {right |right-angled }triangle with sides {a} and {b}{?|}", f"{i}print(math.hypot({a}, {b}))", "The hypotenuse is [[]]."),
            ("{Solve|Find the roots of} x^2 {pm} {s}x {pm2} {p} = 0",
             f"{i}a, b, c = 1, {-(a + c)}, {a * c}\nd = math.sqrt(b**2 - 4 * a * c)\nprint((-b + d) / (2 * a), (-b - d) / (2 * a))", "The solutions are [[]]."),
            ("{Solve|Find x:|Solve for x:} {b}x + {c} = {t}", f"print(({a * b + c} - {c}) / {b})", "x is [[]]."),
            ("A car {drives|travels|goes} {km} km in {h} hours. {What is its average speed|How fast is it}?", f"print({km} / {hours})", "The speed is [[]] km/h."),
            ("{How many|Count the} seconds {are there |are |}in {c} {days|days}{?|}", f"print({c} * 24 * 60 * 60)", f"{c} days have [[]] seconds."),
            ("{How many|Count the} minutes {are there |are |}in {a} hours{?|}", f"print({a} * 60)", f"{a} hours have [[]] minutes."),
            ("半径为{a}的圆的面积是多少？", f"{i}print(math.pi * {a}**2)", "面积是 [[]]。"),
        ]
    )  # fmt: skip
    slots = {
        "a": a,
        "b": b,
        "c": c,
        "s": a + c,
        "p": a * c,
        "pm": "-",
        "pm2": "+",
        "t": a * b + c,
        "km": km,
        "h": hours,
    }
    return reckoned(r, phrase(r, ask, **slots), code, answer)


def broken_sum(r: Random) -> Task:
    """A first try that fails, mended after the error is read."""
    n = r.randint(5, 500)
    a, b = r.randint(2, 60), r.randint(2, 60)
    ask, bad, good, answer = r.choice(
        [
            (f"What is the square root of {n}?", f"print(math.sqrt({n}))", f"import math\nprint(math.sqrt({n}))", f"The square root of {n} is [[]]."),
            (f"Compute log10 of {n}", f"import math\nprint(math.lg({n}))", f"import math\nprint(math.log10({n}))", "The logarithm is [[]]."),
            (f"What is {a} + {b}?", f"print({a} + {b}", f"print({a} + {b})", f"{a} + {b} is [[]]."),
            (f"Mean of {a}, {b}, {n}", f"values = [{a}, {b}, {n}]\nprint(mean(values))",
             f"import statistics\nvalues = [{a}, {b}, {n}]\nprint(statistics.mean(values))", "The mean is [[]]."),
            (f"Sum the numbers from 1 to {n}", f"print(total(range(1, {n} + 1)))", f"print(sum(range(1, {n} + 1)))", "The sum is [[]]."),
        ]
    )  # fmt: skip
    return reckoned(r, ask, good, answer, broken=bad)


SKILLS: dict[Skill, float] = {statistics: 3, series: 3, shapes: 2, broken_sum: 0.8}
