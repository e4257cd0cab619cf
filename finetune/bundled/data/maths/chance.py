"""Random numbers: dice, coins, lotteries, draws."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from datetime import date
from random import Random

from finetune.bundled.data.maths.quantities import SPOKEN
from finetune.bundled.data.tasks import DatedSkill, Task, arguments, phrase, stating

NUMERALS = dict(enumerate("零一两三四五六七八九十"))


def draw(r: Random, today: date) -> Task:
    n, low = r.randint(2, 12), r.choice([1, 1, r.randint(0, 20), r.randint(-50, 500)])
    high = low + r.choice([r.randint(5, 80), 9, 99, 1000 - low if low < 900 else 100])
    top, seed, sides = (
        r.choice([49, 45, 50, 60, r.randint(20, 90)]),
        r.randint(1, 99),
        r.choice([4, 8, 10, 12, 20, 100]),
    )
    within = "{between|from} {l} {and|to} {h}"
    pick = "{Pick|Give me|Draw|Choose|Generate|I need|Make|Show me|Think of|Get me|Produce|Let me have}"
    roll = "{Roll|Throw|roll|Can you roll|Please throw|Toss|Cast}"
    limits: dict[str, object] = {"low": low, "high": high}
    several: dict[str, object] = {**limits, "count": n}
    die: dict[str, object] = {"low": 1, "high": sides}
    options: list[tuple[str, dict[str, object]]] = [
        (roll + " {a die|a dice|one die|the die|a die once|dice}{ for me| please|}", {}),
        (roll + " {a|one} die {n} times", {"count": n}),
        (roll + " {n} {dice|dice|dices|six-sided dice}{ for me| please| at once|}", {"count": n}),
        ("{I need|Let's play: throw|We play a game, roll|Let {n} dice roll, that is} {n} dice", {"count": n}),
        ("{How do {n} dice fall?|What do {n} dice show?|Let {n} dice roll|{n} dice please}", {"count": n}),
        (pick + " {a|one|some} random {number|whole number|integer} " + within, limits),
        ("{A random number|random number|Some number|a random integer} " + within + "{ please|}", limits),
        (pick + " {n} random {numbers|whole numbers|integers} " + within, several),
        ("{n} random numbers " + within, several),
        (pick + " {n} {numbers|whole numbers} {at random |randomly |}" + within + " {at random|by chance|randomly}", several),
        ("{Pick|Choose} a number {between|from} {l} {and|to} {h}{ at random| for me}", limits),
        (pick + " {n} random {decimals|decimal numbers|fractions} " + within, {**several, "kind": "decimal"}),
        (pick + " {a|one} random {decimal|decimal number} " + within, {**limits, "kind": "decimal"}),
        ("{Draw|Pick|Give me|I want|Choose} {n} lottery numbers {from 1 to|between 1 and|out of} {t}", {"low": 1, "high": top, "count": n}),
        ("{Lottery:|Lotto:|My lottery ticket:} {n} {numbers |}{out of|of|from} {t}", {"low": 1, "high": top, "count": n}),
        (pick + " {n} random numbers " + within + " {with|using} seed {s}", {**several, "seed": seed}),
        (roll + " {n} dice with {the |}seed {s}", {"count": n, "seed": seed}),
        (roll + " a {{d}-sided die|die with {d} sides|d{d}}", die),
        (roll + " {n} {{d}-sided dice|dice with {d} sides|d{d}}", {**die, "count": n}),
        (pick + " a random {number|percentage} {up to|of at most} {h0}", {"low": 1, "high": 100}),
    ]  # fmt: skip
    chinese: list[tuple[str, dict[str, object]]] = [
        ("{掷|扔|投|摇}{z}个骰子", {"count": n}),
        ("{掷|扔|投} {n} 次骰子", {"count": n}),
        ("{掷|扔|投|摇}{一个|}骰子{吧|}", {}),
        ("{给我|随机生成|生成|抽取|来}{z}个{l}到{h}之间的{随机数|随机整数|数字}", several),
        ("{给我|随机选|生成}一个{l}到{h}{之间|}的{随机数|数字}", limits),
        ("{给我|生成}一个{l}到{h}之间的随机小数", {**limits, "kind": "decimal"}),
        ("{选|抽}{z}个1到{t}的彩票号码", {"low": 1, "high": top, "count": n}),
    ]
    zh = r.random() < 0.15
    ask, given = r.choice(chinese if zh else options)
    spoken = SPOKEN[n] if n in SPOKEN and r.random() < 0.5 else n
    asked = phrase(
        r, ask, n=spoken, l=low, h=high, s=seed, t=top, d=sides, h0=100, z=NUMERALS.get(n, n)
    )
    if not zh and r.random() < 0.3:
        asked += "."
    follow: tuple[Task, ...] = ()
    if r.random() < 0.2:
        follow = (Task(phrase(r, "{再来一次|再来一遍}" if zh else "{{Again|Once more|One more time|again please|And again}{!|.|}|Do it again}"),
                       stating(r, "结果是 [[]]。" if zh else "The result is [[]]."), "random_numbers", arguments(**given)),)  # fmt: skip
    return Task(
        asked,
        stating(r, "结果是 [[]]。" if zh else "The result is [[]]."),
        "random_numbers",
        arguments(**given),
        follow=follow,
    )


def coins(r: Random, today: date) -> Task:
    n = r.choice([1, 1, 2, 3, 5, 10])
    flip = "{Flip|Toss|Throw|flip|Please toss}"
    if n == 1:
        ask, given = (
            "{"
            + flip
            + " a coin{ for me|}{.|}|Heads or tails?|Coin flip{ please|}|{抛|掷}{一枚|个}硬币}",
            {"low": 0, "high": 1},
        )
    else:
        ask, given = (
            "{" + flip + " {{n} coins|a coin {n} times}{.|}|{抛|掷}{z}枚硬币}",
            {"low": 0, "high": 1, "count": n},
        )
    asked = phrase(r, ask, n=r.choice([n, SPOKEN[n]]), z=NUMERALS[n])
    zh = not asked.isascii()

    def answer(seen: str) -> str:
        sides = {"1": "正面", "0": "反面"} if zh else {"1": "heads", "0": "tails"}
        fallen = [sides[digit] for digit in seen if digit in sides]
        return f"结果：{'、'.join(fallen)}。" if zh else f"{', '.join(fallen).capitalize()}."

    return Task(asked, answer, "random_numbers", arguments(**given))


OWN: dict[DatedSkill, tuple[str, float]] = {
    draw: ("random_numbers", 1.8),
    coins: ("random_numbers", 0.3),
}
