"""Word problems: small stories with a sum in them, some numbers of which don't matter."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from finetune.bundled.data.intents import Intent, Slots, skill
from finetune.bundled.data.maths.everyday import NAMES, SMALL
from finetune.bundled.data.tasks import Skill

THINGS = [
    "apples",
    "marbles",
    "books",
    "stickers",
    "pens",
    "coins",
    "sweets",
    "cards",
    "oranges",
    "eggs",
    "stamps",
    "balloons",
    "chairs",
    "shells",
    "euros",
    "points",
]
WHERE = ["bag", "basket", "packet", "row", "table", "crate", "drawer", "tray", "jar", "carton"]


def story(r: Random) -> Slots:
    a, b = r.choice(
        [
            (r.randint(5, 40), r.randint(2, 30)),
            (r.randint(40, 400), r.randint(5, 40)),
            (r.randint(100, 2000), r.randint(20, 99)),
        ]
    )
    if a < b:
        a, b = b, a
    k, each = r.randint(2, 12), r.randint(2, 40)
    one, two, three = r.sample(NAMES, 3)
    years = r.sample(range(5, 70), 2)
    return {"a": a, "b": b, "c": r.randint(2, 60), "k": k, "e": each, "all": k * each, "n": one, "m": two, "o": three, "t": r.choice(THINGS), "w": r.choice(WHERE), "s": r.choice(SMALL), "old": max(years), "young": min(years),
            "u": r.choice(["day", "week", "month"]), "wage": r.choice([9, 12, 12.5, 15, 18, 20, 25, 40]), "h": r.choice([4, 6, 7.5, 8, 20, 35, 38, 40]), "days": r.randint(3, 30), "pages": r.randint(10, 40), "p": round(r.uniform(1, 30), 2), "pay": r.choice([50, 100, 40])}  # fmt: skip


TAIL = "{ How many {t} are left?| How many does {n} have {left|now}?| How many {t} remain?| What is left?|}"
STORIES = [
    Intent(story, """
        {n} has {a} {t} and {gets|buys|finds|wins|is given} {b} more. How many {t} {does {n} have|are there|is that}{ now| in total| altogether|}?
        {I have|There are} {a} {t} and {b} more {come|are added|arrive}. How many {t} {are there now|is that in total|do I have}?
        {n} has {a} {t}, {m} has {b}. How many {t} do they have {together|in total|altogether}?
        {I bought|We picked|They sold} {a} {t} {on Monday|yesterday|in the morning} and {b} {on Tuesday|today|in the afternoon}. How many {t} is that{ in total| together|}?
        {k} friends meet. {n} brings {a} {t} and {m} brings {b}. How many {t} are there?
        {A school|A shop|A train} has {a} {t} {in one room|upstairs} and {b} {in another|downstairs}. {How many|What is the total} {t} {is that|are there}?
        {There are|We have} {a} boys and {b} girls. How many children {are there|is that}?
    """, "print({a} + {b})", "In all it is [[]].", "{n} 有 {a} 个苹果，又买了 {b} 个，一共有多少个？\n男生 {a} 人，女生 {b} 人，一共多少人？", "一共 [[]]。", 1.4, plain=True),
    Intent(story, """
        {n} has {a} {t} and {gives away|loses|sells|uses|gives {m}|eats} {b}{ of them|}. How many {t} {are left|does {n} have left|remain}?
        {There are|I have|We have|I had|There were} {a} {t}{ and {k} friends|}. {b} {are taken away|get lost|are sold|break}. How many {t} {are left|remain}?
        {Of|Out of} {a} {t}, {b} are {broken|sold|gone|missing}. How many {are left|remain|are not}?
        {n} had {a} {t}, now {there are|it is} {b} {fewer|less}. How many {are there|is that}?
        {n} has {a} {t}, {m} has {b}. How many more {t} does {n} have{ than {m}|}?
        {A book|A film|My book} has {a} pages, I {have read|read} {b}. How many pages are left?
        A bus has {a} seats, {b} are taken. How many seats are free?
    """, "print({a} - {b})", "[[]] are left.", "{n} 有 {a} 个苹果，吃了 {b} 个，还剩多少个？\n{a} 个苹果，送给朋友 {b} 个，还剩几个？", "还剩 [[]] 个。", 1.4, plain=True),
    Intent(story, """
        {There are|I have|We have|{n} has} {k} {w}s with {e} {t} {each|in each}. How many {t} {are there|is that}{ in total| altogether|}?
        {Each|Every|One} {w} {holds|has|contains} {e} {t}. How many {t} are {there |}in {k} {w}s?
        {n} {puts|packs} {e} {t} in each of {k} {w}s. How many {t} is that?
        {A class|A hall|A cinema} has {k} rows of {e} seats. How many seats are there?
        {k} {w}s of {e} {t} {are how many|is how many}{ {t}|}?
        {n} {reads|writes} {e} pages a day. How many pages {is that|are that|does {n} read} in {k} days?
        {n} and {m} buy {k} packs with {e} {t} each. How many {t} do they have?
    """, "print({k} * {e})", "That is [[]].", "每{盒|袋}有 {e} 个，{k} {盒|袋}一共多少个？\n一排有 {e} 个座位，{k} 排有多少个座位？", "一共 [[]] 个。", 1.4, plain=True),
    Intent(story, """
        {all} {t} {are packed|go|are put} into {k} {w}s{ equally|}. How many {t} {are in each|go in each|per {w}}?
        {n} {packs|puts|divides} {all} {t} into {k} equal {w}s. How many are in each{ {w}|}?
        {all} {t} in {w}s of {k}: how many {w}s {are needed|is that|do I need}?
        {A book|A job} has {all} pages. {n} reads {k} {pages |}a day. How many days does it take?
        {n} shares {all} {t} equally with {his|her} class of {k}. How many does each get?
        How many {w}s of {k} {t} can be {filled|made} from {all} {t}?
    """, "print({all} / {k})", "It is [[]].", "把 {all} 个苹果平均放进 {k} 个盒子，每个盒子多少个？", "每个 [[]] 个。", 1.2, plain=True),
    Intent(story, "{n} is {old} {years old |}and {m} is {young}. How much older is {n}{ than {m}|}?\n{What is|Compute} the age difference {between|of} {n} ({old}) and {m} ({young}){?|}\n{m} is {young}, {n} {is |}{old}. {What is|How big is} the age difference?", "print({old} - {young})", "The difference is [[]] years.", "{n} {old} 岁，{m} {young} 岁，相差几岁？", "相差 [[]] 岁。", 0.7, plain=True),
    Intent(story, """
        {n} earns {wage} {euros |dollars |}{an|per} hour and works {h} hours{ a week|}. {How much is that|What does {n} earn|How much does {n} {get|make}}?
        {What do I earn|How much do I earn|How much is it} {for|in} {h} hours at {wage} {an|per} hour?
        {h} hours at {wage} {an|per} hour{, how much is that|, what is the pay}?
    """, "print({wage} * {h})", "That is [[]].", "每小时 {wage} 元，工作 {h} 小时，{一共|}多少钱？", "一共 [[]] 元。", 0.8, plain=True),
    Intent(story, "{n} saves {e} {euros |dollars |}{a|every|each} {u}. {How much is that|How much does {n} have} after {k} {u}s?\nI {save|spend|put aside} {e} {a|per} {u}. {How much is that|What is it} {after|in} {k} {u}s?", "print({e} * {k})", "That is [[]].", weight=0.7, plain=True),
    Intent(story, "I pay {p} with {a |}{pay}{ euros| dollars|}. {How much|What} change do I get?\n{Something|It|Lunch} costs {p}{ and I give| and I pay with|. I give} {pay}. {How much|What} change do I get{ back|}?\n{change|Change} from {pay} for {p}", "print(round({pay} - {p}, 2))", "The change is [[]].", "花了 {p} 元，付了 {pay} 元，找回多少？", "找回 [[]] 元。", 0.8, plain=True),
    Intent(story, "{n} has {a} {t} and buys {k} {w}s with {e} {t} each. How many {t} does {n} have now?\n{There are|I have} {a} {t} and {k} {w}s of {e} more. How many {t} {is that|are there} in total?", "print({a} + {k} * {e})", "In all it is [[]].", weight=0.7, plain=True),
    Intent(story, "{A recipe|The recipe|One cake|A cake} {needs|takes|uses} {e} {g|grams|ml} of {flour|sugar|milk} for {k} people. How much {is that|do I need} for {c} people?\n{e} grams {are|is} enough for {k} people. How {much|many grams} {do I need|is it} for {c}?", "print(round({e} / {k} * {c}, 2))", "It needs [[]].", weight=0.6, plain=True),
]  # fmt: skip
SKILLS: dict[Skill, float] = {skill(STORIES): 3}
