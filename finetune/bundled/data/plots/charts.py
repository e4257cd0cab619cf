"""More ways to ask for pictures than `plots` has: bare functions, lists of values, measurements."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from finetune.bundled.data.intents import Intent, Slots, skill
from finetune.bundled.data.plots.plots import COLOURS, COLOURS_ZH, IMPORTS, THINGS, function
from finetune.bundled.data.tasks import Skill, spoken_list

ALONE = "import matplotlib.pyplot as plt\n"
SHOW = "\nplt.show()"
ZH_THINGS = [
    "苹果",
    "梨",
    "香蕉",
    "茶",
    "咖啡",
    "牛奶",
    "面包",
    "书",
    "一月",
    "二月",
    "三月",
    "四月",
    "周一",
    "周二",
    "周三",
    "北京",
    "上海",
    "广州",
    "红",
    "蓝",
    "绿",
    "房租",
    "吃饭",
    "交通",
    "猫",
    "狗",
]


def curve(r: Random) -> Slots:
    if r.random() < 0.4:  # where the curve is only there for positive x
        k = r.randint(1, 5)
        said, code = r.choice([("sqrt(x)", "np.sqrt(x)"), ("√x", "np.sqrt(x)"), ("the square root of x", "np.sqrt(x)"), ("log(x)", "np.log(x)"), ("ln(x)", "np.log(x)"), ("the logarithm of x", "np.log(x)"),
                               ("1/x", "1 / x"), ("1/x^2", "1 / x**2"), (f"{k}/x", f"{k} / x"), ("log x", "np.log(x)"), ("x*ln(x)", "x * np.log(x)"), ("x^0.5", "x**0.5"), ("y = sqrt(x)", "np.sqrt(x)")])  # fmt: skip
        low, high = (
            r.choice([1, 1, 0.1, 2, 0.5, r.randint(1, 4)]),
            r.choice([5, 10, 20, 50, 100, 25, r.randint(6, 40)]),
        )
    else:
        said, code = r.choice([function(r), function(r), ("the sine", "np.sin(x)"), ("the cosine", "np.cos(x)"), ("sin x", "np.sin(x)"), ("cos x", "np.cos(x)"), ("the sine function", "np.sin(x)"), ("the cosine function", "np.cos(x)"),
                               ("a sine wave", "np.sin(x)"), ("a parabola", "x**2"), ("the exponential function", "np.exp(x)"), ("a sine curve", "np.sin(x)"), ("x²", "x**2"), ("x³", "x**3"), ("2^x", "2**x"), ("e^(-x)", "np.exp(-x)"),
                               ("f(x) = x^2", "x**2"), ("a bell curve", "np.exp(-x**2)"), ("x", "x"), ("-x", "-x"), ("-x^2", "-x**2")])  # fmt: skip
        low, high = r.choice([0, 0, -1, -2, -3, -4, -5, -10]), r.choice([2, 3, 4, 5, 6, 8, 10, 12])
    c, other = r.sample(COLOURS, 2)
    bare = said.removeprefix("a ").removeprefix("the ")
    return {"f": said, "g": bare, "c": code, "a": low, "b": high, "col": c, "zcol": COLOURS_ZH[c], "other": other, "t": r.choice(["My plot", "Growth", "A curve", "Test", "Signal", "Function", "Wave", "Results"]),
            "xl": r.choice(["time", "x", "t in s", "distance"]), "yl": r.choice(["value", "y", "height", "speed", "amplitude"]), "b2": high + r.choice([2, 5, 10]), "lw": r.randint(2, 5)}  # fmt: skip


def drawn(more: str = "", title: str = "{f}") -> str:
    return (
        IMPORTS
        + "x = np.linspace({a}, {b}, 200)\nplt.plot(x, {c}"
        + more
        + f')\nplt.title("{title}")'
    )


DRAW = "{Plot|Draw|Graph|Show|Show me|plot|draw|graph|Sketch|Visualise|Visualize|Chart}"
SPAN = "{from {a} to {b}|between {a} and {b}|for x from {a} to {b}|for x between {a} and {b}|on the interval {{a} to {b}|[{a}, {b}]}|over [{a}, {b}]|in the range {a} to {b}|with x from {a} to {b}}"
BARE = IMPORTS + 'x = np.linspace(-10, 10, 200)\nplt.plot(x, {c})\nplt.title("{f}")' + SHOW


def anywhere(r: Random) -> Slots:
    """A function that may be drawn from -10 to 10."""
    slots = dict(curve(r))
    while any(part in str(slots["c"]) for part in ("log", "sqrt", "/ x", "0.5", "exp(x)", "tan(")):
        slots = dict(curve(r))
    return slots


CURVES = [
    Intent(curve, f"""
        {DRAW} {{f}} {SPAN}
        {DRAW} {{the graph of |the curve of |the function |the curve |}}{{f}} {SPAN}
        {{I want|I'd like|I need}} to see {{f}} {SPAN}
        {{I want|I'd like}} to see what {{f}} looks like {SPAN}
        {{Could|Can|Would}} you {{draw|plot|graph|show}} {{me |}}{{{{a graph of |}}{{f}}|{{f}}}} {SPAN}?
        {{Give me|Make|Create|Show me}} {{a picture|a plot|a graph|a chart|an image}} of {{f}} {SPAN}
        {{What does|How does}} {{f}} look {SPAN}?
        {{plot|graph|picture|curve}} of {{f}} {SPAN}
        {{f}} {SPAN}{{, plot it|, as a plot|. Draw it|, as a graph}}
        {{Use matplotlib to|With matplotlib,}} {{plot|draw}} {{f}} {SPAN}
        {DRAW} y = {{f}} {{f|f}} here
    """.replace("{Plot|Draw|Graph|Show|Show me|plot|draw|graph|Sketch|Visualise|Visualize|Chart} y = {f} {f|f} here", "{a nice|a quick|a simple} {plot|graph} of {f} " + SPAN),
        drawn() + SHOW, "Here is the plot of {f} from {a} to {b}.",
        "{画出|画|绘制|请画出|帮我画}{ |}{g}{ |}{从|在}{ |}{a}{ |}到{ |}{b}{ |}{之间|}的{图|图像|曲线|图形}\n{画|请画|绘制}{g}的{图|图像|曲线}，{x|范围}从{a}到{b}\n在[{a}, {b}]上画{g}", "这是 {g} 从 {a} 到 {b} 的图像。", 5, plain=True,
        follow=(("{Now from|And from|from|what about from|Redraw it from} {a} to {b2}{?|}", drawn().replace("{b}", "{b2}") + SHOW, "Here is the plot of {f} from {a} to {b2}."),
                ("{Now|Make it|And now} {in |}{other}{ please|}\n{change the colour to|use} {other}", drawn(', color="{other}"') + SHOW, "Here is {f} in {other}."),
                ('{Add|Put|Give it} {the |a }{title|title:} "{t}"', drawn("", "{t}") + SHOW, 'It is titled "{t}" now.'),
                ("{Add|Put|Show|with} {a |the |}grid{ lines|}{ please|}", drawn() + "\nplt.grid()" + SHOW, "Here it is with a grid."),
                ("{Make|Draw} the line {thicker|thick}\na thicker line please", drawn(", linewidth=3") + SHOW, "Here it is with a thicker line."),
                ("{Make it|And|Now} {dashed|with a dashed line}{ please|}", drawn(', linestyle="--"') + SHOW, "Here it is with a dashed line."))),
    Intent(anywhere, f"""
        {DRAW} {{f}}
        {{f}} please
        {{I want|I'd like}} to see {{a plot of |}}{{f}}
        {{Could|Can}} you {{draw|plot|graph}} {{f}}?
        {{Give me|Make}} {{a picture|a plot|a graph}} of {{f}}
        {{What does|How does}} {{f}} look like?
        plot of {{f}}
    """, BARE, "Here is the plot of {f}.", "画{出|}{g}的{图|图像|曲线}\n{画|请画}{g}", "这是 {g} 的图像。", 1.4, plain=True),
    Intent(curve, f"""
        {DRAW} {{f}} {{in {{col}} |}}{SPAN} in {{col}}
        {{Plot|Draw}} {{a {{col}} {{g}}|{{g}} in {{col}}}} {SPAN}
        {{draw|plot|show}} {{f}} {SPAN}, {{{{col}} line|in {{col}}|coloured {{col}}|with a {{col}} line}}
        {{Use {{col}} to|In {{col}},}} {{plot|draw}} {{f}} {SPAN}
        a {{col}} {{plot|curve}} of {{f}} {SPAN}
    """.replace("in {col} |}", "|}"), drawn(', color="{col}"') + SHOW, "Here is {f} in {col} from {a} to {b}.", "用{zcol}画{出|}{g}{从|在}{a}到{b}的{图|图像|曲线}", "这是{zcol}的图。", 1.5, plain=True),
    Intent(curve, f"{DRAW} {{f}} {SPAN} {{with a dashed line|dashed|as a dashed line}}\n{{a|draw a}} dashed {{plot|curve}} of {{f}} {SPAN}", drawn(', linestyle="--"') + SHOW, "Here is {f} with a dashed line.", weight=0.7, plain=True),
    Intent(curve, f'{DRAW} {{f}} {SPAN} {{with|and give it|, add}} the title "{{t}}"\n{DRAW} {{f}} {SPAN}, title{{d|:|}} "{{t}}"', drawn("", "{t}") + SHOW, 'Here is the plot titled "{t}".', weight=0.8, plain=True),
    Intent(curve, f"{DRAW} {{f}} {SPAN} with {{axis |}}labels {{xl}} and {{yl}}\n{DRAW} {{f}} {SPAN}, {{label|call|name}} the axes {{xl}} and {{yl}}", drawn() + '\nplt.xlabel("{xl}")\nplt.ylabel("{yl}")' + SHOW, "Here is the plot, with its axes labelled.", weight=0.7, plain=True),
    Intent(curve, f"{DRAW} {{f}} {SPAN} with {{a |}}grid{{ lines|}}", drawn() + "\nplt.grid()" + SHOW, "Here is the plot with a grid.", weight=0.6, plain=True),
    Intent(curve, f"{DRAW} a circle {{of|with}} radius {{lw}}\n{{a |}}circle with radius {{lw}}, {{drawn|plotted}}\n{{Could|Can}} you {{draw|plot}} a circle {{of|with}} radius {{lw}}?", IMPORTS + 't = np.linspace(0, 2 * np.pi, 200)\nplt.plot({lw} * np.cos(t), {lw} * np.sin(t))\nplt.axis("equal")' + SHOW, "Here is the circle with radius {lw}.", "画一个半径为{lw}的圆", "圆画好了。", 0.7, plain=True),
    Intent(curve, f"{DRAW} an ellipse with {{half-axes|semi-axes|axes}} {{b}} and {{lw}}", IMPORTS + 't = np.linspace(0, 2 * np.pi, 200)\nplt.plot({b} * np.cos(t), {lw} * np.sin(t))\nplt.axis("equal")' + SHOW, "Here is the ellipse.", weight=0.3, plain=True),
    Intent(curve, f"{DRAW} {{a spiral|an Archimedean spiral}}", IMPORTS + 't = np.linspace(0, 6 * np.pi, 500)\nplt.plot(t * np.cos(t), t * np.sin(t))\nplt.axis("equal")' + SHOW, "Here is the spiral.", "画一条螺旋线", "螺旋线画好了。", 0.3, plain=True),
]  # fmt: skip


def measured(r: Random) -> Slots:
    top = r.choice([10, 20, 40, 100, 1000])
    values = [r.randint(1, top) for _ in range(r.randint(4, 9))]
    if r.random() < 0.15:
        values = [round(v + r.random(), 1) for v in values]  # type: ignore[misc]
    x = sorted(r.sample(range(0, 40), len(values)))
    texts = list(map(str, values))
    listed = r.choice(
        [", ".join(texts)] * 4 + [spoken_list(texts), " ".join(texts), f"[{', '.join(texts)}]"]
    )
    return {"v": listed, "c": f"[{', '.join(texts)}]", "x": ", ".join(map(str, x)), "cx": x, "z": "、".join(texts), "col": r.choice(COLOURS), "bins": r.choice([4, 5, 6, 8, 10]),
            "what": r.choice(["temperatures", "prices", "sales", "measurements", "values", "numbers", "scores", "heights", "visitors", "results", "data", "steps"])}  # fmt: skip


V = ALONE + "values = {c}\n"
LINE = V + 'plt.plot(values, marker="o")' + SHOW
HIST = V + "plt.hist(values)" + SHOW
BAR = V + "plt.bar(range(1, len(values) + 1), values)" + SHOW
MEASURED = [
    Intent(measured, """
        {Plot|Draw|Show|plot|Graph} {the |these |my |}{what} {v} as a line{ chart| plot|}
        {Plot|Draw|Make|Show} a line {chart|plot|graph|}{ of|:| of the {what}|} {v}
        {Plot|Draw} a line through {v}
        {Plot|plot|Graph} {the |these |my |}{what}{:| |} {v}
        {line chart|line plot|line graph|Line chart}{:| of} {v}
        {The {what} were|My {what}:|I measured} {v}. {Plot them|Draw a line chart|Show them as a line|Make a line plot}
        {Show|Visualise} how {the |these |}{what} {v} develop
        {Connect|Join} {the values |}{v} {with|by} a line
    """, LINE, "Here is the line chart.", "{画|做}{一个|}折线图：{z}\n把{z}画成折线图\n{z}，画折线图", "折线图画好了。", 2, plain=True,
    follow=(("{As bars|Now as a bar chart|And as bars?}", BAR, "Here is the bar chart."), ("{Now in|Make it} {col}", LINE.replace('marker="o"', 'marker="o", color="{col}"'), "Here it is in {col}."))),
    Intent(measured, """
        {Plot|Draw|Show|Visualise|Visualize|Make} {the |these |my |}{what} {v} as {bars|a bar chart|a bar graph}
        {Draw|Make|Show} a bar {chart|graph|plot} {of|for|with} {the {what} |}{v}
        {bar chart|Bar chart|bars|bar graph}{:| of} {v}
        {The {what} were|My {what}:} {v}. {Make|Draw} a bar chart
    """, BAR, "Here is the bar chart.", "{画|做}{一个|}柱状图：{z}\n把{z}画成柱状图", "柱状图画好了。", 1.2, plain=True,
    follow=(("{As a line|Now as a line chart|And as a line?}", LINE, "Here is the line chart."),)),
    Intent(measured, """
        {Draw|Make|Plot|Show|Show me} {a|the} histogram {of|for|from} {the {what} |}{v}
        {histogram|Histogram}{:| of} {v}
        {Show|Plot} {the |these |}{what} {v} as a histogram
        How are {the |these |}{what} {v} distributed? {Draw|Show} a histogram
        {Here are|I have} {the |some |}{what}: {v}. {Draw|Make|Show} {a|the} histogram
        {Draw|Plot} the distribution of {v}
    """, HIST, "Here is the histogram.", "{画|做}{一个|}直方图：{z}\n画出{z}的直方图", "直方图画好了。", 1.4, plain=True,
    follow=(("{With|with|Use} {bins} bins", HIST.replace("values)", "values, bins={bins})"), "Here is the histogram with {bins} bins."),)),
    Intent(measured, "{Draw|Make|Plot|Show} a histogram {of|for} {v} {with|in} {bins} bins\nhistogram of {v}, {bins} bins", HIST.replace("values)", "values, bins={bins})"), "Here is the histogram with {bins} bins.", weight=0.6, plain=True),
    Intent(measured, "{Draw|Make|Plot|Show} a box{ |}plot {of|for} {v}\n{box plot|boxplot}{:| of} {v}", V + "plt.boxplot(values)" + SHOW, "Here is the box plot.", "画{z}的箱线图", "箱线图画好了。", 0.6, plain=True),
    Intent(measured, """
        {Draw|Make|Plot|Show} a scatter plot {with|of|for|:} x {x} and y {v}
        {scatter plot|Scatter plot|scatter}{:| of|} x = {x}{;| and|,} y = {v}
        {Plot|Scatter} y = {v} against x = {x} {as points|as dots|as a scatter plot}
    """, ALONE + "x = {cx}\ny = {c}\nplt.scatter(x, y)" + SHOW, "Here is the scatter plot.", "画散点图：x 为 {x}，y 为 {z}", "散点图画好了。", 1, plain=True),
    Intent(measured, """
        {Plot|Draw|Graph} {v} against {x}
        {Plot|Draw|Graph} y = {v} {against|over|for} x = {x}
        {line|Line} {plot|chart} {with|of} x = {x} and y = {v}
    """, ALONE + 'x = {cx}\ny = {c}\nplt.plot(x, y, marker="o")' + SHOW, "Here is the plot.", weight=0.8, plain=True),
]  # fmt: skip


def shares(r: Random) -> Slots:
    n = r.randint(2, 6)
    zh = r.random() < 0.2
    names = r.sample(ZH_THINGS if zh else THINGS, n)
    values = [r.choice([r.randint(1, 20), r.randint(5, 99), r.randint(100, 999)]) for _ in names]
    unit = r.choice(["", "", "", "%", " kg", " euros"]) if not zh else ""
    if r.random() < 0.3 and not zh:
        pairs = [
            f"{v}{unit or ' x'} {a}" if unit == " kg" else f"{v} {a}"
            for a, v in zip(names, values, strict=True)
        ]
    else:
        joint = r.choice([" ", " ", ": ", " = ", "=", ":", " - ", " with "])
        pairs = [
            f"{a}{joint if not zh else ' '}{v}{unit}" for a, v in zip(names, values, strict=True)
        ]
    said = (
        "，".join(pairs)
        if zh
        else r.choice([", ".join(pairs), ", ".join(pairs), spoken_list(pairs), "; ".join(pairs)])
    )
    quoted = "[" + ", ".join(f'"{a}"' for a in names) + "]"
    return {
        "p": said,
        "n": quoted,
        "v": values,
        "col": r.choice(COLOURS),
        "t": r.choice(["Sales", "Results", "Survey", "Costs", "Fruit", "Votes"]),
        "zh": zh,
    }


PAIRS = ALONE + "names = {n}\nvalues = {v}\n"
BARS, PIE, BARH, LINES = (
    PAIRS + call + SHOW
    for call in (
        "plt.bar(names, values)",
        'plt.pie(values, labels=names, autopct="%1.1f%%")',
        "plt.barh(names, values)",
        'plt.plot(names, values, marker="o")',
    )
)


def chinese(r: Random) -> Slots:
    while not (slots := shares(r))["zh"]:
        pass
    return slots


def english(r: Random) -> Slots:
    while (slots := shares(r))["zh"]:
        pass
    return slots


IN = (
    "{Now in|Make it|and in|Use} {col}{ please|}",
    BARS.replace("values)\n", 'values, color="{col}")\n'),
    "Here it is in {col}.",
)
PAIRED = [
    Intent(english, """
        {Show|Visualise|Visualize|Plot|Draw|Display} {these numbers |this |these |this data |the numbers |}as {bars|a bar chart|a bar graph}: {p}
        {Make|Draw|Create|Show} a bar {graph|chart|plot|diagram} {for|of|from|with|:} {p}
        {bar chart|Bar chart|bar graph|bars|Bars|bar plot}{:| of| for} {p}
        {I have|We sold|We counted|There are|The votes:} {p}. {Draw|Make|Show me|Can you draw} a bar {chart|graph}{?|}
        {p}{: |. |, }{as a bar chart|bar chart please|as bars|draw bars|make a bar chart}
        {Could|Can} you {make|draw|show} a bar {chart|graph} {for|of|with} {p}?
        {Compare|compare} {p} in a bar chart
        {bar chart|Bar chart} of {sales|costs|votes|results|my week}: {p}
    """, BARS, "Here is the bar chart.", weight=2.4, plain=True, follow=(
        IN, ("{Now as a pie chart|And as a pie chart?|make it a pie|As a pie}", PIE, "Here is the pie chart."), ("{As a line|Now as a line chart|And as a line chart?}", LINES, "Here is the line chart."),
        ("{Make the bars horizontal|Now horizontal|horizontal please}", BARH, "Here are horizontal bars."), ('{Add|Put|Give it} {the title|a title:} "{t}"', BARS.replace("\nplt.show", '\nplt.title("{t}")\nplt.show'), 'It is titled "{t}" now.'))),
    Intent(english, """
        {Make|Draw|Create|Show|Plot} a pie {chart|graph|diagram|} {for|of|from|with|:} {p}
        {pie chart|Pie chart|pie|Pie}{:| of| for} {p}
        {Show|Visualise|Plot|Draw} {these numbers |this |these |this data |the shares |}as {a pie|a pie chart}: {p}
        {I spend|We sold|The votes are|The shares are} {p}. {Draw|Make|Show me} a pie chart
        {p}{: |. |, }{as a pie chart|pie chart please|as a pie}
        {Could|Can} you {make|draw|show} a pie chart {for|of|with} {p}?
        {What share has each|Which share is each}? {p}, as a pie chart
    """, PIE, "Here is the pie chart.", weight=1.6, plain=True, follow=(("{Now as a bar chart|And as bars?|make it a bar chart|As bars}", BARS, "Here is the bar chart."),)),
    Intent(english, "{Make|Draw|Create|Show|Plot} a line {chart|graph|plot} {for|of|from|with|:} {p}\n{line chart|Line chart}{:| of} {p}\n{Show|Plot|Draw} {these numbers |this |these |}as a line: {p}", LINES, "Here is the line chart.", weight=0.8, plain=True, follow=(("{Now as bars|As a bar chart}", BARS, "Here is the bar chart."),)),
    Intent(english, "{Make|Draw|Create|Show|Plot} {a horizontal bar chart|horizontal bars} {for|of|from|with|:} {p}\n{horizontal bars|horizontal bar chart}: {p}", BARH, "Here is the horizontal bar chart.", weight=0.6, plain=True),
    Intent(english, "{Make|Draw|Show} a {col} bar chart {for|of|with|:} {p}\n{Draw|Make} a bar chart in {col}: {p}", BARS.replace("values)\n", 'values, color="{col}")\n'), "Here is the bar chart in {col}.", weight=0.6, plain=True),
    Intent(chinese, "", BARS, "", "{画一个|请画|帮我做一个|画个|做一个}柱状图：{p}\n{p}，{画|做}成柱状图\n{把|请把}{p}画成柱状图\n用柱状图{显示|表示}：{p}", "柱状图画好了。", 0.8, plain=True),
    Intent(chinese, "", PIE, "", "{画一个|请画|帮我画一个|画个|做一个}饼图：{p}\n{p}，{画|做}成饼图\n{把|请把}{p}画成饼图", "饼图画好了。", 0.7, plain=True),
    Intent(chinese, "", LINES, "", "{画一个|请画|帮我画一个|画个}折线图：{p}\n{把|请把}{p}画成折线图", "折线图画好了。", 0.4, plain=True),
]  # fmt: skip
SKILLS: dict[Skill, float] = {skill(CURVES): 5, skill(MEASURED): 3, skill(PAIRED): 3.5}
