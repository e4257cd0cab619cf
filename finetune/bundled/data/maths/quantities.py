"""Amounts in other units."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from datetime import date
from random import Random

from finetune.bundled.data.tasks import DatedSkill, Task, arguments, phrase, said, stating

UNITS = {
    "length": ["m", "metres", "meters", "km", "kilometres", "kilometers", "miles", "feet", "ft", "inches", "cm", "in",
               "centimetres", "centimeters", "mm", "millimetres", "yards", "nautical miles", "mi", "yd"],
    "mass": ["kg", "kilograms", "kilos", "g", "grams", "pounds", "lbs", "ounces", "oz", "stone", "tonnes", "mg", "milligrams", "lb"],
    "volume": ["litres", "liters", "l", "ml", "millilitres", "gallons", "cups", "pints", "cubic metres"],
    "speed": ["km/h", "mph", "m/s", "knots", "kph", "miles per hour", "kilometres per hour", "metres per second"],
    "temperature": ["C", "F", "Celsius", "Fahrenheit", "K", "degrees Celsius", "degrees Fahrenheit", "°C", "°F",
                    "kelvin", "degrees C", "degrees F"],
}  # fmt: skip
# As the tool knows it.
UNIT = {"metres": "m", "meters": "m", "kilometres": "km", "kilometers": "km", "miles": "mile", "feet": "foot", "ft": "foot",
        "inches": "inch", "in": "inch", "centimetres": "cm", "centimeters": "cm", "millimetres": "mm", "yards": "yard",
        "nautical miles": "nautical mile", "mi": "mile", "yd": "yard", "kilograms": "kg", "kilos": "kg", "grams": "g",
        "pounds": "pound", "lbs": "pound", "lb": "pound", "ounces": "ounce", "oz": "ounce", "tonnes": "tonne", "milligrams": "mg",
        "litres": "l", "liters": "l", "millilitres": "ml", "gallons": "gallon", "cups": "cup", "pints": "pint",
        "cubic metres": "m3", "knots": "knot", "kph": "km/h", "miles per hour": "mph", "kilometres per hour": "km/h",
        "metres per second": "m/s", "Celsius": "C", "Fahrenheit": "F", "degrees Celsius": "C", "degrees Fahrenheit": "F",
        "°C": "C", "°F": "F", "kelvin": "K", "degrees C": "C", "degrees F": "F"}  # fmt: skip
UNITS_ZH = {"km": "公里", "m": "米", "mile": "英里", "kg": "公斤", "pound": "磅", "foot": "英尺", "inch": "英寸", "cm": "厘米",
            "mm": "毫米", "C": "摄氏度", "F": "华氏度", "l": "升", "ml": "毫升", "gallon": "加仑", "g": "克", "ounce": "盎司",
            "tonne": "吨", "yard": "码", "nautical mile": "海里", "mph": "英里每小时", "km/h": "公里每小时", "knot": "节"}  # fmt: skip
SPOKEN = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten",
          12: "twelve", 15: "fifteen", 20: "twenty", 30: "thirty", 50: "fifty", 100: "a hundred"}  # fmt: skip
ONE = {"feet": "foot", "ft": "ft", "miles": "mile", "inches": "inch", "pounds": "pound", "ounces": "ounce", "yards": "yard",
       "gallons": "gallon", "cups": "cup", "pints": "pint", "litres": "litre", "tonnes": "tonne", "nautical miles": "nautical mile",
       "kilograms": "kilogram", "metres": "metre", "stone": "stone"}  # fmt: skip

ASKS = (
    "{{Convert|convert|Please convert|Change|Turn|Can you convert|Translate|Express} {q} {a} {to|into|in} {b}{ please|}{.|}|"
    "How {many|much} {b} {is|are|make|go into|do I get for} {q} {a}{?|}|{What is|What's|What are} {q} {a} in {b}{?|}|{q} {a} {in|to|into|as} {b}{?| please|}|"
    "{how much is|How much are|how much would} {q} {a} {in|be in} {b}{?|}|{q} {a} {is|equals|makes} how many {b}{?|}|"
    "{q} {a} - {how much is that|how many {b} is that|what's that} in {b}?|{Give me|Tell me|I need} {q} {a} in {b}{.|}|"
    "{I have|It says|The label says|My book says|They told me} {q} {a}. {What is|How much is|What's} {that|it} in {b}?|"
    "{b} in {q} {a}?|How many {b} {are there |}in {q} {a}{?|}|{Write|Show} {q} {a} {as|in} {b}}"
)
KIND_ASKS = {
    "length": "{I'm|I am|She is|My son is} {q} {a} {tall|tall}. {What|How much} is that in {b}?|The {road|rope|table|river} is {q} {a} long. {How many {b} is that|What is that in {b}}?|"
              "I {ran|walked|drove} {q} {a}. How {far|much} is that in {b}?|How {far|long} is {q} {a} in {b}?",
    "mass": "{I weigh|My dog weighs|The parcel weighs|The bag has} {q} {a}. {How much is that|What's that} in {b}?|How heavy is {q} {a} in {b}?|"
            "The recipe {needs|calls for} {q} {a} of flour. How much is that in {b}?",
    "volume": "{The tank holds|My bottle holds|I need|The recipe says} {q} {a}{ of water| of milk|}. {How much is that|What is it} in {b}?|How many {b} of water are {q} {a}?",
    "speed": "How fast is {q} {a} in {b}?|{The wind blows at|I drive|The limit is|The ship makes} {q} {a}. {How fast is that|What's that} in {b}?",
    "temperature": "{The oven should be at|It is|The water has|Outside it's} {q} {a}. {How much|What} is that in {b}?|How {hot|cold|warm} is {q} {a} in {b}?|"
                   "{Bake at|Heat to} {q} {a} - what is that in {b}?",
}  # fmt: skip


def amount(r: Random) -> tuple[str, float]:
    """An amount as it is written, and its value."""
    if r.random() < 0.12:
        value = r.choice(list(SPOKEN))
        return SPOKEN[value], value
    n: float = r.choice([r.randint(1, 20), r.randint(10, 500), round(r.uniform(0.5, 99), 1), round(r.uniform(0.1, 20), 2),
                         r.choice([1000, 100, 42.195, 0.5, 250, 350, 72, 180])])  # fmt: skip
    return f"{n:g}", int(n) if n == int(n) else n


def convert(r: Random, today: date) -> Task:
    kind = r.choice(list(UNITS))
    a, b = r.sample(UNITS[kind], 2)
    while UNIT.get(a, a) == UNIT.get(b, b):
        a, b = r.sample(UNITS[kind], 2)
    q, n = amount(r)
    if kind == "temperature" and 1 < n <= 60 and r.random() < 0.08:
        n, q = -n, f"{'minus' if r.random() < 0.5 else '-'} {q}".replace("- ", "-")
        if UNIT.get(a, a) == "K":
            n, q = -n, q.removeprefix("minus ").removeprefix("-")
    x, y = UNIT.get(a, a), UNIT.get(b, b)
    if x in UNITS_ZH and y in UNITS_ZH and r.random() < 0.35:
        if n != float(q if q.replace(".", "").isdigit() else "nan"):
            n = r.randint(1, 300)
        ask = phrase(r, "{{n}{ |}{a}{是|等于|有|合}多少{b}？|把 {n} {a}{换算成|转换为|换成}{b}|{n}{a}换算成{b}{是多少？|}|多少{b}等于{n}{a}？|"
                     "请问{n}{a}是多少{b}}", n=f"{n:g}", a=UNITS_ZH[x], b=UNITS_ZH[y])  # fmt: skip
        return Task(
            ask, stating(r, "[[]]。"), "convert_units", arguments(amount=n, from_unit=x, to_unit=y)
        )
    follow: tuple[Task, ...] = ()
    if r.random() < 0.3:
        q2, n2 = amount(r)
        others = [u for u in UNITS[kind] if UNIT.get(u, u) not in (x, y)]
        if r.random() < 0.5 or not others:
            follow = (Task(phrase(r, "{And|and|What about|How about|and for|now} {m}{ {a}|}{?|}", m=q2, a=a), stating(r, "[[]]."),
                           "convert_units", arguments(amount=n2, from_unit=x, to_unit=y)),)  # fmt: skip
        else:
            c = r.choice(others)
            follow = (Task(phrase(r, "{And in|and in|Now in|What about in|and what is that in|In} {c}{?|}", c=c), stating(r, "[[]]."),
                           "convert_units", arguments(amount=n, from_unit=x, to_unit=UNIT.get(c, c))),)  # fmt: skip
    ask = KIND_ASKS[kind] if r.random() < 0.35 else ASKS
    if a in ONE and r.random() < 0.12:
        n, q = r.choice([(1, r.choice(["1", "one", "a"])), (0.5, "half a")])
        if q == "a" and ONE[a][0] in "aeiou":
            q = "an"
        a = ONE[a]
        q = q if n == 1 or a[0] not in "aeiou" else "half an"
    return Task(phrase(r, "{" + ask + "}", q=q, a=a, b=b), stating(r, "[[]]."), "convert_units",
                arguments(amount=n, from_unit=x, to_unit=y), follow=follow)  # fmt: skip


def differing(r: Random, today: date) -> Task:
    """Units of different kinds, which the tool refuses."""
    one, other = r.sample(list(UNITS), 2)
    a, b = r.choice(UNITS[one]), r.choice(UNITS[other])
    q, n = amount(r)
    return Task(phrase(r, ASKS, q=q, a=a, b=b), said(f"That can't be converted: {a} and {b} don't measure the same thing."),
                "convert_units", arguments(amount=n, from_unit=UNIT.get(a, a), to_unit=UNIT.get(b, b)))  # fmt: skip


OWN: dict[DatedSkill, tuple[str, float]] = {
    convert: ("convert_units", 3),
    differing: ("convert_units", 0.25),
}
