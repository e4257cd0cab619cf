"""Sums of daily life: percentages, bills, prices, interest, sharing."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from finetune.bundled.data.intents import WHAT, Intent, Slots, skill
from finetune.bundled.data.tasks import Skill

NAMES = ["Anna", "Ben", "Carla", "David", "Emma", "Frank", "Grace", "Hugo", "Ines", "Jack", "Kim", "Leo", "Mia",
         "Noah", "Olga", "Paul", "Rita", "Sam", "Tom", "Zoe", "Li", "Wei", "Maria", "Peter", "Carl", "Eva"]  # fmt: skip
GOODS = [
    "jacket",
    "phone",
    "book",
    "pair of shoes",
    "laptop",
    "bike",
    "shirt",
    "chair",
    "lamp",
    "ticket",
    "watch",
    "sofa",
    "dress",
    "bag",
]
SMALL = [
    "eggs",
    "apples",
    "pens",
    "rolls",
    "stamps",
    "cookies",
    "notebooks",
    "cups",
    "bottles of water",
    "screws",
    "bananas",
    "tickets",
    "candles",
]
PEOPLE = ["people", "friends", "children", "persons", "of us", "colleagues", "guests", "roommates"]


def shares(r: Random) -> Slots:
    p = r.choice(
        [5, 8, 10, 12, 15, 18, 20, 25, 30, 35, 40, 50, 60, 75, 7.5, 17.5, 2.5, 19, r.randint(1, 99)]
    )
    n = r.choice(
        [
            r.randint(2, 40) * 10,
            r.randint(20, 400),
            r.randint(100, 9000),
            round(r.uniform(5, 300), 2),
            r.choice([50, 80, 100, 200, 1000, 2000, 5000]),
        ]
    )
    small, big = sorted(r.sample(range(2, 400), 2))
    return {
        "p": p,
        "n": n,
        "m": small,
        "b": big,
        "k": r.randint(2, 9),
        "t": r.choice([10, 15, 18, 20, 25]),
        "q": r.choice([5, 10, 20, 30, 50]),
    }


PC = "{%|%| %| percent|%}"
PERCENT = [
    Intent(shares, f"""
        {WHAT} {{p}}{PC} of {{n}}{{?|}}
        {{p}}{PC} of {{n}}{{?| =|}}
        {{How much is|how much is|how much are}} {{p}}{PC} of {{n}}?
        {{Take|take}} {{p}}{PC} of {{n}}
        {{I need|Show me|Calculate}} {{p}}{PC} of {{n}}
        {{If|when}} {{I take|you take}} {{p}}{PC} of {{n}}, {{what do I get|how much is that}}?
        {{p}}{PC} from {{n}}
    """, "print({n} * {p} / 100)", "{p}% of {n} is [[]].", "{n}{ |}的{ |}{p}%{ |}{是多少？|等于多少？|}\n{计算|求|用 Python 算} {n} 的{ |}{p}%\n{n} 的百分之{p}是多少？", "{n} 的 {p}% 是 [[]]。", 3,
    follow=(("{And|and|what about} {q}%?\n{now|and} {q} percent", "print({n} * {q} / 100)", "{q}% of {n} is [[]]."),)),
    Intent(shares, """
        {What percentage|What percent|How many percent} of {b} is {m}?
        {m} is {what|how many} {percent|%|percentage} of {b}?
        {How many|What} percent {is|are} {m} {of|out of} {b}?
        {m} out of {b} {in percent|as a percentage|is what percent}{?|}
        {Express|Write} {m} {of|out of} {b} as a percentage
        {I got|She scored|He has} {m} {of|out of} {b} points{.|,} what percentage is that?
    """, "print(round({m} / {b} * 100, 2))", "{m} is [[]]% of {b}.", "{m} 是 {b} 的百分之几？\n{m} 占 {b} 的百分之多少？", "{m} 是 {b} 的 [[]]%。", 1.5),
    Intent(shares, """
        {A price|It|The price|The rent|My salary|The value|The population|Sales} {rose|went up|increased|grew|has grown} from {m} to {b}. {By how many percent|By what percent|What is the increase in percent|How much is that in percent}?
        {What is|Compute} the {percent|percentage} {increase|change|growth} from {m} to {b}{?|}
        from {m} to {b} is {an increase|a rise} of {how many|what} percent?
        By how many percent {is {b} more than {m}|did it grow from {m} to {b}}?
    """, "print(round(({b} - {m}) / {m} * 100, 2))", "It rose by [[]]%.", "从 {m} {增加|涨|增长}到 {b}，{增加|涨|增长}了百分之多少？", "增加了 [[]]%。", 1.1),
    Intent(shares, """
        {A price|It|The price|The rent|The number|Weight|The value} {fell|dropped|went down|decreased|sank} from {b} to {m}. {By how many percent|By what percent|What is the decrease in percent|How much is that in percent}?
        {What is|Compute} the {percent|percentage} {decrease|drop|decline|loss} from {b} to {m}{?|}
    """, "print(round(({b} - {m}) / {b} * 100, 2))", "It fell by [[]]%.", "从 {b} {降|减少|跌}到 {m}，下降了百分之多少？", "下降了 [[]]%。", 0.8),
    Intent(shares, f"""
        {{m}} is {{t}}{PC} of {{what|which}} number?
        {{t}}{PC} of {{what|which}} number is {{m}}?
        {{If|if}} {{t}}{PC} of a number is {{m}}, {{what is the number|what is it}}?
        {{m}} is {{t}}{PC} of the {{whole|total}}. {{What is the total|How much is everything}}?
    """, "print({m} / {t} * 100)", "The number is [[]].", weight=0.7),
    Intent(shares, f"""
        {{Increase|increase|Raise}} {{n}} by {{p}}{PC}
        {{n}} {{plus|+|increased by|raised by}} {{p}}{PC}{{?|}}
        {{What is|How much is}} {{n}} {{plus|increased by}} {{p}}{PC}?
        {{Add|add}} {{p}}{PC}{{ tax| VAT| sales tax|}} to {{n}}
        {{A price|Something|The net price}} {{of|is}} {{n}} {{without tax|before tax|net}}{{.|,}} {{what is it|how much is it|what does it cost}} with {{p}}{PC} {{tax|VAT}}?
        {{My salary|The rent|A ticket}} of {{n}} {{goes up|rises}} by {{p}}{PC}. {{What is it then|What is the new one|How much is it now}}?
    """, "print(round({n} * (1 + {p} / 100), 2))", "With {p}% more it is [[]].", "{n} {增加|加} {p}%{是多少|等于多少}？", "增加 {p}% 后是 [[]]。", 1.2),
    Intent(shares, f"""
        {{Decrease|Reduce|Lower|decrease}} {{n}} by {{p}}{PC}
        {{n}} {{minus|less|decreased by|reduced by}} {{p}}{PC}{{?|}}
        {{Subtract|Take|Take off}} {{p}}{PC} from {{n}}
    """, "print(round({n} * (1 - {p} / 100), 2))", "With {p}% less it is [[]].", "{n} 减少 {p}% {是多少|等于多少}？", "减少 {p}% 后是 [[]]。", 0.8),
]  # fmt: skip


def shopping(r: Random) -> Slots:
    good, small = r.choice(GOODS), r.choice(SMALL)
    n = r.choice([r.randint(2, 40) * 10, r.randint(12, 400), round(r.uniform(5, 300), 2)])
    price = r.choice(
        [
            round(r.uniform(0.1, 20), 2),
            r.choice([0.25, 0.5, 0.35, 1.2, 1.5, 2.5, 3.99]),
            r.randint(1, 30),
        ]
    )
    k, k2 = r.randint(2, 9), r.randint(2, 12)
    return {"n": n, "p": r.choice([5, 10, 12, 15, 18, 20, 22, 25]), "o": r.choice([10, 15, 20, 25, 30, 33, 40, 50, 70]), "g": good, "s": small, "w": r.choice(PEOPLE), "c": price,
            "k": k, "j": k2, "s2": r.choice([x for x in SMALL if x != small]), "e": r.randint(2, 12), "money": k * r.randint(3, 90), "d": r.randint(2, 5),
            "bill": r.choice([20, 50, 100])}  # fmt: skip


PAY = "{Split|split|Divide|Share}"
SHOPPING = [
    Intent(shopping, """
        {A bill is|The bill is|My bill is|Our bill is|I have a bill of|The restaurant bill comes to|Dinner was|The meal cost} {n$}. {How much is|What is} a {p}% tip?
        {What is|How much is|Calculate|Compute} a {p}% tip on {n$}{?|}
        {p}% tip on {n$}{?|}
        {How much|What} {tip should I leave|do I tip|should I tip} on {n$} {at|if I want to give} {p}%?
        {I want to tip|I'd like to leave} {p}{%| percent} on a {bill|meal} of {n$}. {How much is that|How much is the tip|What is the tip}?
        {Dinner costs|We ate for|Lunch was} {n$} and {we|I} want to {tip|leave a tip of} {p}{%| percent}. How much is the tip?
    """, "print(round({n} * {p} / 100, 2))", "The tip is [[]].", "账单是 {n}，{p}% 的小费是多少？", "小费是 [[]]。", 1.4),
    Intent(shopping, """
        {A bill is|The bill is|Dinner was|My meal cost} {n$}. {What is the total|How much do I pay|What do I pay in total} with a {p}% tip?
        {What is|Compute} the total of {n$} with {a |}{p}% tip{?|}
        {n$} plus {a |}{p}% tip
    """, "print(round({n} * (1 + {p} / 100), 2))", "With the tip it is [[]].", weight=0.8),
    Intent(shopping, PAY + """ a bill of {n$} with {a |}{p}% tip {among|between|by} {k~} {people|friends|guests}
        {k~} {people|friends} share a bill of {n$} {and add|plus} a {p}% tip. {How much|What} does each {one |}pay?
        {The bill is|Our bill is} {n$}, we {tip|add} {p}% and are {k~} people. What does each pay?
    """, "print(round({n} * (1 + {p} / 100) / {k}, 2))", "Each pays [[]].", weight=0.9),
    Intent(shopping, PAY + """ {money$} {among|between|by|evenly among|equally between} {k~} {people|friends|children|guests}
        {k~} {people|friends|children|guests|of us} {share|split} {money$}{ equally| evenly|}. {How much|What} does each {one |person |}{get|pay}?
        {How much|What} does each {get|pay} {if|when} {k~} {people|friends} {share|split} {money$}?
        {We are|We're} {k~} and {have to pay|owe|spent} {money$} together. How much is it {each|per person}?
        {money$} {split|shared|divided} {among|between} {k~} {people|friends}{?|}
        {I have|There are} {money} {sweets|cookies|marbles|stickers} for {k~} {children|kids|friends}. How many does each {child |one |}get?
    """, "print({money} / {k})", "Each gets [[]].", "{money} {元|块钱|个苹果}{平均|}分给 {k} 个人，每人{多少|得多少}？\n{k} 个人平分 {money} 元，每人多少？", "每人 [[]]。", 1.6),
    Intent(shopping, """
        {A|The|This} {g} costs {n$} and is {o}% off. {What is the price now|What do I pay|How much is it now}?
        {A|The|This} {g} {costs|was|is} {n$} and is {reduced|discounted|marked down} by {o}{%| percent}. {What does it cost now|What is the new price|How much is it}?
        {What is|How much is} {o}% off {n$}{?|}
        {o}% off {n$}{?|}
        {There is|I get|With} a discount of {o}% on a {g} {for|of} {n$}{. What do I pay|, what is the price|. What does it cost}?
        {A|The} {g} for {n$} with {a |}{o}% {discount|off}{?|. How much is it?| costs how much?}
        {What is|Compute} the {sale price|discounted price|price} of {n$} {after|with} {a |}{o}% {discount|off}{?|}
        {n$} minus {o}% {discount|off|rebate}
        {The price|The original price} {is|was} {n$}, the discount {is |}{o}%. {What do I pay|What is the final price}?
    """, "print(round({n} * (1 - {o} / 100), 2))", "The price is [[]].", "原价 {n} 元，打{o}%的折扣后是多少？\n一件{衣服|商品} {n} 元，降价 {o}%，现在多少钱？", "现在是 [[]] 元。", 1.8),
    Intent(shopping, """
        {How much|What} {is|are|cost|does} a dozen {s} {at|for} {c$} each{| cost}?
        {A dozen|12|Twelve} {s} {at|cost|for} {c$} each{, how much is that|. What is the total|}?
        {I buy|I need|We want} a dozen {s} at {c$} {each|a piece|apiece}. What does it cost?
        {One of the|A single one of the} {s} costs {c$}. {What do|How much do} a dozen cost?
    """, "print(round(12 * {c}, 2))", "A dozen cost [[]].", "一打{鸡蛋|铅笔}，每个 {c} 元，一共多少钱？", "一共 [[]] 元。", 1.1),
    Intent(shopping, "How many {s} are {in |}{e~} dozen{?|}\n{What is|How much is|how many are} {e~} dozen{?|}\n{e~} dozen {s} are how many?", "print({e} * 12)", "{e} dozen are [[]].", weight=0.5),
    Intent(shopping, """
        {How much|What} {is|are|cost|do I pay for} {k~} {s} {at|for} {c$} each?
        {I buy|I bought|She buys|We need} {k~} {s} {at|for} {c$} {each|a piece|apiece}. {What does it cost|How much is that|What is the total|What do I pay}?
        {k~} {s} {at|for|cost} {c$} each, {what is the total|how much is that}?
        {One of the|Each of the} {s} costs {c$}. {What do|How much do} {k~} {of them |}cost?
        {What|How much} do {k~} {s} cost {at|if each is} {c$}{ each|}?
        total {price|cost} of {k~} {s} at {c$} each
    """, "print(round({k} * {c}, 2))", "The total is [[]].", "{k} 个{苹果|本子|杯子}，每个 {c} 元，一共多少钱？", "一共 [[]] 元。", 1.3),
    Intent(shopping, """
        {I buy|She buys|We buy|Tom buys} {k~} {s} at {c$} each and {j~} {s2} at {d$} each. {What does it cost|What is the total|How much is that}?
        {What do|How much do} {k~} {s} at {c$} and {j~} {s2} at {d$} cost{ together|}?
    """, "print(round({k} * {c} + {j} * {d}, 2))", "The total is [[]].", weight=0.8),
    Intent(shopping, """
        {k~} {s} cost {money$}. {What does|How much does|How much is} one{ cost|}?
        {What|How much} is {one|each}{,| } if {k~} {s} cost {money$}?
        {If|if} {k~} {s} cost {money$}, what {is the price of one|does each cost}?
    """, "print(round({money} / {k}, 2))", "One costs [[]].", "{k} 个{苹果|本子}一共 {money} 元，每个多少钱？", "每个 [[]] 元。", 0.8),
]  # fmt: skip


def savings(r: Random) -> Slots:
    return {
        "a": r.choice([r.randint(1, 200) * 100, 1000, 500, 2000, 10000]),
        "p": r.choice([1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10]),
        "y": r.randint(2, 30),
        "k": r.randint(2, 30),
    }


COMPOUND = "print(round({a} * (1 + {p} / 100) ** {y}, 2))"
MONEY = [
    Intent(savings, """
        {How much is|What is} {a$} worth {at|with} {p}% {interest|a year|compound interest|per year} {after|in|over} {y~} years?
        {What will|What does} {a$} {become|grow to} {at|with} {p}{%| percent} {interest|a year|per year} {after|in|over} {y~} years?
        {What is|How much is} {a$} {at|with} {p}{%| percent} {interest|a year|compound interest|per year|interest per year} {after|in|over} {y~} years{, compounded yearly|, compound interest|}?
        {I put|I invest|I save|If I invest|Suppose I put} {a$} at {p}% {a year|interest|per year|interest a year} for {y~} years{. How much do I have then|. What do I get|, what do I have at the end|. How much is it}?
        {a$} at {p}% {interest |a year |}for {y~} years{?|}
        {Compound|compound} interest: {a$}, {p}%, {y~} years
        {Invest|invest} {a$} at {p}% for {y~} years, {how much do I get|what is it worth}?
        A savings account {pays|gives} {p}%{ a year|}. {How much is|What becomes of} {a$} after {y~} years?
    """, COMPOUND, "After {y} years it is [[]].", "{a} 元{，|按}年利率 {p}%，{y} 年后是多少{钱|}？\n存 {a} 元，年利率 {p}%，{y} 年后{本息|一共}多少？", "{y} 年后是 [[]] 元。", 2,
    follow=(("{And|and|What about} after {k} years?", "print(round({a} * (1 + {p} / 100) ** {k}, 2))", "After {k} years it is [[]]."),)),
    Intent(savings, """
        {How much|What} simple interest {does|do} {a$} {earn|bring|give} at {p}% {in|over|after} {y~} years?
        {Simple|simple} interest on {a$} at {p}% for {y~} years
        {What is|Compute} the simple interest on {a$} at {p}% {a year |}for {y~} years{?|}
    """, "print({a} * {p} / 100 * {y})", "The interest is [[]].", weight=0.8),
    Intent(savings, "How {many years|long} does it take {money |}to double at {p}%{ interest| a year|}?\nAt {p}% {interest|a year}, {when|after how many years} does {my money|an amount} double?",
           "import math\nprint(round(math.log(2) / math.log(1 + {p} / 100), 2))", "It takes [[]] years.", weight=0.5),
]  # fmt: skip
SKILLS: dict[Skill, float] = {skill(PERCENT): 3.5, skill(SHOPPING): 3.5, skill(MONEY): 1.2}
