"""Tables, chance, given code and data: what is printed over lines, drawn at random, or parsed."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

import json
from random import Random

from finetune.bundled.data.intents import Intent, Slots, skill
from finetune.bundled.data.maths.everyday import NAMES
from finetune.bundled.data.tasks import Skill

CITIES = ["Paris", "Rome", "Oslo", "Lima", "Cairo", "Tokyo", "Berlin", "Madrid", "Delhi", "Seoul"]


def frame(r: Random) -> Slots:
    n = r.randint(3, 5)
    names = r.sample(
        r.choice([NAMES, CITIES, ["tea", "coffee", "milk", "bread", "rice", "soap", "salt"]]), n
    )
    values = r.sample(range(5, 99), n) if r.random() < 0.7 else r.sample(range(100, 9000, 10), n)
    column = r.choice(["age", "score", "points", "price", "sales", "population", "weight", "marks"])
    joint = r.choice([" ", " ", ": ", "=", " - "])
    pairs = ", ".join(f"{a}{joint}{b}" for a, b in zip(names, values, strict=True))
    quoted = "[" + ", ".join(f'"{x}"' for x in names) + "]"
    kinds = [r.choice(["A", "B", "C"]) for _ in names]
    csv = f"name,{column}\\n" + "\\n".join(f"{a},{b}" for a, b in zip(names, values, strict=True))
    data = json.dumps([{"name": a, column: b} for a, b in zip(names, values, strict=True)])
    return {"p": pairs, "c": column, "t": f'import pandas as pd\ntable = pd.DataFrame({{"name": {quoted}, "{column}": {values}}})\n',
            "lim": sorted(values)[len(values) // 2 - 1], "csv": csv, "csvs": csv.replace("\\n", r.choice(["\n", "\n", "; "])), "json": data, "one": json.dumps({"name": names[0], column: values[0]}), "kinds": kinds}  # fmt: skip


def nameless(r: Random) -> Slots:
    """The same, where no request says what the numbers are."""
    slots = dict(frame(r))
    for name in ("t", "csv", "csvs"):
        slots[name] = str(slots[name]).replace(str(slots["c"]), "value")
    return slots | {"c": "value"}


def counting(r: Random) -> Slots:
    n = r.choice([5, 6, 8, 10, r.randint(3, 12)])
    return {"n": n, "l": r.choice([r.randint(2, 19), r.randint(2, 12), r.randint(13, 99)]), "k": r.randint(3, 9), "low": r.randint(0, 10), "h": r.choice([20, 50, 99, 100, 365, 1000]),
            "d": r.choice([1000, 10000, 100000]), "s": r.choice([10, 12, 16, 20]), "m": r.randint(2, 5), "x": r.randint(2, 99), "y": r.randint(2, 99)}  # fmt: skip


PD = "import pandas as pd\n"
TABLES = [
    Intent(counting, """
        {Show|Print|List|Give me|Write|Make} the {multiplication table|times table} {of|for} {l~}
        {multiplication table|times table|Multiplication table} {of|for} {l~}{?| please}
        {What is|I need} the {multiplication|times} table {of|for} {l~}{?|}
        the {l} times table
        {Multiply|Print} {l} by 1 to 10{, a line each|}
        {Print|Show|Write} the {table of {l}|{l} times table}
    """, 'for i in range(1, 11):\n    print({l}, "x", i, "=", {l} * i)', "The table of {l}:\n[[]]", "{打印|写出|列出}{l}的{乘法表|乘法口诀}", "{l} 的乘法表：\n[[]]", 1.5),
    Intent(counting, """
        {Make|Show|Print|Create|Give me} a table {of|with} {the numbers |n from |numbers |}{from |}1 to {n} {with|and|with} {their |the |}squares
        {Table|table} of the numbers 1 to {n} and their squares
        {List|Show|Print} the numbers {from |}1 to {n} {with|and|next to} their squares
        {For each number from|For} 1 to {n}, {show|print} the {number and its |}square
    """, PD + 'n = range(1, {n} + 1)\nprint(pd.DataFrame({"n": n, "square": [i**2 for i in n]}).to_string(index=False))', "The table:\n[[]]", "做一个1到{n}及其平方的表格", "表格：\n[[]]", 1.2),
    Intent(counting, """
        {Make|Show|Print|Create|Give me} a table {of|with} {the numbers |n from |}1 to {n} {with|and} {their |the |}squares and cubes
        {List|Show|Print} the numbers {from |}1 to {n} with their squares and cubes
    """, PD + 'n = range(1, {n} + 1)\nprint(pd.DataFrame({"n": n, "square": [i**2 for i in n], "cube": [i**3 for i in n]}).to_string(index=False))', "The table:\n[[]]", "做一个1到{n}的平方和立方的表格", "表格：\n[[]]", 0.7),
    Intent(counting, "{Make|Show|Print|Create} a table {of|with} {the numbers |n from |}1 to {n} {with|and} {their |the |}square roots", PD + 'n = range(1, {n} + 1)\nprint(pd.DataFrame({"n": n, "square root": [round(i**0.5, 4) for i in n]}).to_string(index=False))', "The table:\n[[]]", weight=0.5),
    Intent(counting, "{Count|count} {from |}{k} {down to|backwards to} {0|zero}\n{Print|Show} a countdown from {k}", "for i in range({k}, -1, -1):\n    print(i)", "It printed:\n[[]]", weight=0.4),
    Intent(counting, """
        {Write and run|Run|Make|Write} {a program|code|a loop|a script} that {prints|counts} {the numbers |}{from |}1 to {k}
        {Print|Count} {the numbers |}{from |}1 to {k}{, one a line|}
    """, "for i in range(1, {k} + 1):\n    print(i)", "It printed:\n[[]]", "{打印|写一个程序打印}1到{k}{的数字|}", "输出：\n[[]]", 0.7),
    Intent(counting, "{Print|Show|Draw|Make} a {triangle|pyramid} of stars with {k~} {rows|lines}", 'for i in range(1, {k} + 1):\n    print("*" * i)', "Here it is:\n[[]]", weight=0.4),
    Intent(frame, """
        {Make|Show|Create|Print|Draw} a table {of|with|from} {the |}{name and {c}|names and {c}}: {p}
        {Put|Show|Write} {this|these|it} in a table {of|with} name and {c}: {p}
        {table|Table} {of|with} names and {c}: {p}
    """, "{t}print(table.to_string(index=False))", "The table:\n[[]]", "做一个姓名和 {c} 的表格：{p}", "表格：\n[[]]", 1, plain=True,
    follow=(("{Now sort|Sort|sort} it by {c}", "{t}print(table.sort_values(\"{c}\").to_string(index=False))", "Sorted by {c}:\n[[]]"),)),
    Intent(nameless, """
        {Make|Show|Create|Print|Draw} a table {of|with|from} {this|these}: {p}
        {Put|Show|Write} {this|these|it} in a table: {p}
        {p}{: |. }{make|show} {that|this|it} as a table
        {table|Table}: {p}
    """, "{t}print(table.to_string(index=False))", "The table:\n[[]]", "{做|画}一个表格：{p}", "表格：\n[[]]", 1, plain=True),
    Intent(frame, """
        {Make|Show|Create} a table sorted by {c}: {p}
        {Sort|Order} {this table|the table|these|} by {c}: {p}
        {p}: {a table|table} sorted by {c}
    """, '{t}print(table.sort_values("{c}").to_string(index=False))', "Sorted by {c}:\n[[]]", weight=0.8, plain=True),
    Intent(frame, """
        {Who|What|Which one} has the {highest|largest|biggest} {c}: {p}?
        {Which one|Which|Who} has the {highest|largest|most} {c}{?|:} {p}
        {p}. {Which|Which one|Who} has the {highest|largest} {c}?
    """, '{t}print(table.loc[table["{c}"].idxmax(), "name"])', "It is [[]].", weight=0.7, plain=True),
    Intent(frame, """
        {Who|What|Which one} has the {lowest|smallest} {c}: {p}?
        {p}. {Which|Which one|Who} has the {lowest|smallest} {c}?
    """, '{t}print(table.loc[table["{c}"].idxmin(), "name"])', "It is [[]].", weight=0.5, plain=True),
    Intent(frame, "{Which|Who} {of these |}{has|have} {a |}{c} {above|over|of more than} {lim}: {p}?\n{Keep|Show} {only |}the rows with {c} {above|over} {lim}: {p}", '{t}print(table[table["{c}"] > {lim}].to_string(index=False))', "They are:\n[[]]", weight=0.5, plain=True),
    Intent(nameless, "{Describe|Summarize|Summarise|Give statistics of} this table: {p}", '{t}print(table["{c}"].describe())', "The summary:\n[[]]", weight=0.4, plain=True),
    Intent(frame, "{What is|Compute|Find} the {average|mean} {c} in this CSV{?|:} {csvs}\n{Read|Parse} this CSV and give me the {average|mean} {c}: {csvs}", PD + 'import io\ntable = pd.read_csv(io.StringIO("{csv}"))\nprint(table["{c}"].mean())', "The average {c} is [[]].", weight=0.7, plain=True),
    Intent(frame, "{What is|Compute|Find} the {total|sum of the} {c} in this CSV{?|:} {csvs}\n{Read|Parse} this CSV and add up the {c}: {csvs}", PD + 'import io\ntable = pd.read_csv(io.StringIO("{csv}"))\nprint(table["{c}"].sum())', "The total {c} is [[]].", weight=0.6, plain=True),
    Intent(frame, "{Parse|Read} this JSON and {add up|sum} the {c}: {json}\n{What is|Find} the {total|sum of the} {c} in this JSON{?|:} {json}", "import json\ndata = json.loads('{json}')\nprint(sum(row[\"{c}\"] for row in data))", "The total {c} is [[]].", weight=0.6, plain=True),
    Intent(frame, "{Parse|Read} this JSON and {print|give me|show} the {c}: {one}\n{What is|Get} the {c} in {this JSON: |}{one}{?|}", "import json\nprint(json.loads('{one}')[\"{c}\"])", "The {c} is [[]].", weight=0.6, plain=True),
]  # fmt: skip
R = "import random\n"
DRAW = ("random_numbers",)
CHANCE = [
    Intent(counting, "{Flip|Toss|flip|toss|Throw} a coin\n{heads or tails|Heads or tails}?\n{Flip|Toss} a coin for me\ncoin {flip|toss}", R + 'print(random.choice(["heads", "tails"]))', "It is [[]].", "{抛|掷}一枚硬币\n抛硬币", "结果是 [[]]。", 0.8),
    Intent(counting, "{Flip|Toss} {a coin {s} times|{s} coins}{ and count the heads|. How many heads?|, how many heads?}", R + "print(sum(random.random() < 0.5 for _ in range({s})))", "There were [[]] heads.", "抛{s}次硬币，有几次正面？", "有 [[]] 次正面。", 0.7),
    Intent(counting, "{Roll|roll|Throw} {two|2} dice{ and add them|. What is the sum?}\nsum of two dice", R + "print(random.randint(1, 6) + random.randint(1, 6))", "The sum is [[]].", weight=0.5),
    Intent(counting, "{Roll|roll|Throw} a {die|dice}\n{die|dice} roll", R + "print(random.randint(1, 6))", "It is a [[]].", "掷一个骰子", "点数是 [[]]。", 0.6, DRAW),
    Intent(counting, "{Roll|roll|Throw} {k~} dice\n{Roll|Throw} a die {k} times", R + "print([random.randint(1, 6) for _ in range({k})])", "The rolls are [[]].", "掷{k}个骰子", "点数是 [[]]。", 0.6, DRAW),
    Intent(counting, "{Give me|Pick|Choose|Generate} a random number {between {low} and {h}|from {low} to {h}}\nrandom number {from|between} {low} {to|and} {h}", R + "print(random.randint({low}, {h}))", "The number is [[]].", "{给我|生成}一个{low}到{h}的随机数", "随机数是 [[]]。", 0.6, DRAW),
    Intent(counting, "{Make|Generate|Create|Give me} a {random |}password {with|of} {s} {characters|letters and digits|letters}\nrandom password, {s} characters", R + 'import string\nprint("".join(random.choices(string.ascii_letters + string.digits, k={s})))', "A password: [[]]", "生成一个{s}位的随机密码", "密码是 [[]]", 0.8),
    Intent(counting, """
        {Simulate|simulate} {d} {throws|rolls} of two dice{ and give the average sum|. What is the average sum?|: the average sum}
        {What is|Estimate} the average sum of two dice in {d} {throws|rolls}{?|}
    """, R + "print(sum(random.randint(1, 6) + random.randint(1, 6) for _ in range({d})) / {d})", "The average sum is [[]].", weight=0.5),
    Intent(counting, """
        {Simulate|simulate} {d} {dice rolls|rolls of a die|throws of a die}{ and give the average|. What is the average?|: the average}
        {What is|Estimate} the average of {d} {dice rolls|rolls of a die}{?|}
    """, R + "print(sum(random.randint(1, 6) for _ in range({d})) / {d})", "The average is [[]].", weight=0.5),
    Intent(counting, """
        {Simulate|simulate} {d} coin {flips|tosses}{ and count the heads|. How many heads?|: how many heads?|}
        How many heads {come|are there} in {d} {simulated |}coin {flips|tosses}?
    """, R + "print(sum(random.random() < 0.5 for _ in range({d})))", "There were [[]] heads.", "模拟抛{d}次硬币，有多少次正面？", "有 [[]] 次正面。", 0.6),
    Intent(counting, "{Estimate|estimate|Approximate} pi with {d} random points\nMonte Carlo {estimate of|for} pi with {d} points", R + "print(4 * sum(random.random()**2 + random.random()**2 < 1 for _ in range({d})) / {d})", "The estimate is [[]].", weight=0.5),
]  # fmt: skip
RUN = "{Run|Execute|run|execute|Run this code|Run the code|Please run|Please run this|What does this print|What is the output of}"
GIVEN = [
    Intent(counting, RUN + "{:|} print({x} * {y})", "print({x} * {y})", "It prints [[]].", "{运行|执行}{：|}print({x} * {y})", "输出是 [[]]。", plain=True),
    Intent(counting, RUN + "{:|} print({x} + {y})", "print({x} + {y})", "It prints [[]].", "{运行|执行}{：|}print({x} + {y})", "输出是 [[]]。", plain=True),
    Intent(counting, RUN + "{:|} print({x}**{k})", "print({x}**{k})", "It prints [[]].", weight=0.7, plain=True),
    Intent(counting, RUN + "{:|} print(sum(range({x})))", "print(sum(range({x})))", "It prints [[]].", weight=0.7, plain=True),
    Intent(counting, RUN + "{:|} print(list(range({k})))", "print(list(range({k})))", "It prints [[]].", weight=0.7, plain=True),
    Intent(counting, RUN + '{:|} print("hi" * {k})', 'print("hi" * {k})', "It prints [[]].", weight=0.7, plain=True),
    Intent(counting, RUN + "{:|} len(str({x}**{k}))", "print(len(str({x}**{k})))", "The result is [[]].", weight=0.5, plain=True),
    Intent(counting, RUN + "{:|} x = {x}; print(x + {y})", "x = {x}\nprint(x + {y})", "It prints [[]].", plain=True),
    Intent(counting, "{Set|Let} x {to|be} {x} and y {to|be} {y}, {then |}print {their sum|x + y}", "x = {x}\ny = {y}\nprint(x + y)", "It prints [[]].", weight=0.6, plain=True),
    Intent(counting, "{Say|Print} hello{ world|} {in|with|using} Python\n{Write and run|Run} a hello world{ program| in Python|}\nhello world in {p|P}ython", 'print("Hello, world!")', "It prints: [[]]", "用 Python {打印|输出} hello world", "输出：[[]]", 0.6, plain=True),
    Intent(counting, "{Which|What} {P|p}ython version {is this|do you run|is installed|do you have|is running}?\n{P|p}ython version{?|}", "import sys\nprint(sys.version.split()[0])", "It is Python [[]].", "{你|这里|}用的{是|}哪个版本的 Python？\nPython 版本是多少？", "Python 版本是 [[]]。", 0.7, plain=True),
]  # fmt: skip
# unit as it is said: into what, and how
UNITS = {
    ("miles", "kilometres"): "{n} * 1.609344", ("miles", "km"): "{n} * 1.609344", ("km", "miles"): "{n} / 1.609344", ("kilometres", "miles"): "{n} / 1.609344",
    ("kg", "pounds"): "{n} / 0.45359237", ("pounds", "kg"): "{n} * 0.45359237", ("inches", "cm"): "{n} * 2.54", ("cm", "inches"): "{n} / 2.54",
    ("feet", "metres"): "{n} * 0.3048", ("metres", "feet"): "{n} / 0.3048", ("litres", "gallons"): "{n} / 3.785411784", ("gallons", "litres"): "{n} * 3.785411784",
    ("degrees Celsius", "Fahrenheit"): "{n} * 9 / 5 + 32", ("Celsius", "Fahrenheit"): "{n} * 9 / 5 + 32", ("Fahrenheit", "Celsius"): "({n} - 32) * 5 / 9",
    ("ounces", "grams"): "{n} * 28.349523125", ("grams", "ounces"): "{n} / 28.349523125", ("km/h", "m/s"): "{n} / 3.6", ("m/s", "km/h"): "{n} * 3.6",
}  # fmt: skip


def unit(r: Random) -> Slots:
    (a, b), code = r.choice(list(UNITS.items()))
    n = r.choice([r.randint(1, 300), round(r.uniform(1, 90), 1), 10, 100, 42, 5])
    return {"n": n, "a": a, "b": b, "c": code.replace("{n}", str(n))}


UNIT = [
    Intent(unit, """
        {Convert|Turn|convert|Change} {n} {a} {to|into} {b}
        How {many|much} {b} {is|are} {n} {a}?
        {n} {a} {in|to} {b}{?|}
        {What is|How much is} {n} {a} in {b}?
        {n} {a} {is|are} how many {b}?
    """, "print(round({c}, 2))", "{n} {a} are [[]] {b}.", unless=("convert_units",), plain=True),
]  # fmt: skip
SKILLS: dict[Skill, float] = {
    skill(TABLES): 2.5,
    skill(CHANCE): 1.2,
    skill(GIVEN): 1.2,
    skill(UNIT): 0.8,
}
