"""Pictures drawn with matplotlib: functions, bars, histograms, points, lines, shares."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from finetune.bundled.data.tasks import Skill, Task, phrase, said, spoken_list

COLOURS = ["red", "green", "blue", "orange", "purple", "black", "magenta", "brown"]
COLOURS_ZH = {"red": "红色", "green": "绿色", "blue": "蓝色", "orange": "橙色", "purple": "紫色",
              "black": "黑色", "magenta": "洋红色", "brown": "棕色"}  # fmt: skip
THINGS = ["cats", "dogs", "tea", "coffee", "milk", "bread", "red", "blue", "cars", "bikes", "buses",
          "trains", "Anna", "Ben", "Chris", "Dora", "Mon", "Tue", "Wed", "Thu", "Fri", "Jan", "Feb",
          "Mar", "Apr", "May", "oranges", "bananas", "grapes", "melons", "lemons", "Paris", "Rome",
          "Oslo", "Lima", "rent", "food", "books", "games", "wood", "steel", "north", "south", "A",
          "B", "C", "X", "Y", "Z", "soup", "rice", "beans", "owls", "foxes", "wolves", "apples",
          "pears", "cherries"]  # fmt: skip
IMPORTS = "import numpy as np\nimport matplotlib.pyplot as plt\n"


def function(r: Random) -> tuple[str, str]:
    """A function of x as people write it, and for numpy."""
    k = r.choice([1, 1, 1, 2, 3, 4, 5, 0.5])
    kx, code_kx = ("x", "x") if k == 1 else (f"{k}x", f"{k} * x")
    a, b, c = number_of(r), number_of(r), number_of(r)
    return r.choice(
        [
            (f"sin({kx})", f"np.sin({code_kx})"),
            (f"cos({kx})", f"np.cos({code_kx})"),
            (f"sin({kx})", f"np.sin({code_kx})"),
            (f"cos({kx})", f"np.cos({code_kx})"),
            ("tan(x)", "np.tan(x)"),
            ("tanh(x)", "np.tanh(x)"),
            ("exp(-x)", "np.exp(-x)"),
            ("e^x", "np.exp(x)"),
            ("exp(-x^2)", "np.exp(-x**2)"),
            ("|x|", "np.abs(x)"),
            (f"x^{b + 1}", f"x**{b + 1}"),
            ("x squared", "x**2"),
            ("x cubed", "x**3"),
            ("x**2", "x**2"),
            (f"{a + 1}x + {b}", f"{a + 1} * x + {b}"),
            (f"x^2 - {b}x", f"x**2 - {b} * x"),
            (f"x^3 - {b}x + {c}", f"x**3 - {b} * x + {c}"),
            (f"x^2 + {b}x + {c}", f"x**2 + {b} * x + {c}"),
            (f"x*sin({kx})", f"x * np.sin({code_kx})"),
            ("x cos(x)", "x * np.cos(x)"),
            ("sin(x)^2", "np.sin(x)**2"),
            (f"sin(x) + cos({kx})", f"np.sin(x) + np.cos({code_kx})"),
            (f"{a + 1}sin(x)", f"{a + 1} * np.sin(x)"),
            ("exp(-x)*sin(x)", "np.exp(-x) * np.sin(x)"),
            ("1/(1+x^2)", "1 / (1 + x**2)"),
            (f"y = {a + 1}x - {c}", f"{a + 1} * x - {c}"),
            (f"y = x^2 + {c}", f"x**2 + {c}"),
        ]
    )


def number_of(r: Random) -> int:
    return r.randint(1, 9)


def span(r: Random) -> tuple[str, str, str, str]:
    """Two limits as people write them, and as code."""
    if r.random() < 0.2:
        return r.choice([("0", "2 pi", "0", "2 * np.pi"), ("-pi", "pi", "-np.pi", "np.pi"),
                         ("0", "4π", "0", "4 * np.pi"), ("0", "pi", "0", "np.pi")])  # fmt: skip
    low = r.choice([0, 0, 0, 1, -1, -2, -3, -5, -10, -r.randint(1, 20)])
    high = r.choice([1, 2, 3, 5, 6, 8, 10, 12, 15, 20, 50, 100, r.randint(2, 40)])
    if high <= low:
        high = low + 5
    return str(low), str(high), str(low), str(high)


def curve(low: str, high: str, code: str, name: str, colour: str = "", style: str = "") -> str:
    look = (f', color="{colour}"' if colour else "") + (f', linestyle="{style}"' if style else "")
    return (
        f"{IMPORTS}x = np.linspace({low}, {high}, 200)\nplt.plot(x, {code}{look})\n"
        f'plt.title("{name}")\nplt.show()'
    )


def plot_function(r: Random) -> Task:
    name, code = function(r)
    low, high, a, b = span(r)
    colour = r.choice(COLOURS) if r.random() < 0.2 else ""
    zh = r.random() < 0.15
    if zh:
        tint = f"用{COLOURS_ZH[colour]}" if colour else ""
        ask = phrase(r, "{请|帮我|}{tint}{画|绘制|画出}{name}{从{low}到{high}|在{low}到{high}之间}的{图|图像|曲线}",
                     tint=tint, name=name, low=low, high=high)  # fmt: skip
        done = f"这是 {name} 从 {low} 到 {high} 的图像。"
    else:
        tint = f" in {colour}" if colour else ""
        ask = phrase(
            r,
            "{{Plot|Draw|Graph|Show|Sketch|plot|draw|graph|Please plot|Can you plot|Make a plot of|"
            "I'd like a graph of|Show me a plot of|plot the function|Draw the graph of|"
            "Draw the curve}} {name}{tint} {from {low} to {high}|between {low} and {high}|"
            "for x from {low} to {high}|on [{low}, {high}]|for x in {low}..{high}}{|.|}",
            name=name, tint=tint, low=low, high=high,
        )  # fmt: skip
        done = phrase(r, "{Here is|Here is} the plot of {name}{tint} from {low} to {high}.",
                      name=name, tint=tint, low=low, high=high)  # fmt: skip
    first = curve(a, b, code, name, colour)
    follow = []
    if r.random() < 0.45:
        kind = r.choice(["colour", "span", "function", "style"])
        if kind == "colour":
            colour = r.choice(COLOURS)
            again = (phrase(r, "{现在用|改成|换成}{c}", c=COLOURS_ZH[colour]) if zh else
                     phrase(r, "{Now in {c}|Make it {c}|now in {c}|And in {c}?|Can you draw it in {c}?|"
                            "the same in {c} please|Change the colour to {c}}", c=colour))  # fmt: skip
            text = f"现在是{COLOURS_ZH[colour]}的。" if zh else f"Here is {name} in {colour}."
            follow.append(drawn(again, curve(a, b, code, name, colour), text))
        elif kind == "style":
            again = "用虚线" if zh else phrase(r, "{Make it dashed|With a dashed line|now dashed}")
            text = "这是虚线的图。" if zh else f"Here is {name} with a dashed line."
            follow.append(drawn(again, curve(a, b, code, name, colour, "--"), text))
        elif kind == "span":
            low, high, a, b = span(r)
            again = (f"改成从{low}到{high}" if zh else
                     phrase(r, "{And from|Now from|from|What about from} {low} to {high}{?|}",
                            low=low, high=high))  # fmt: skip
            text = (f"这是 {name} 从 {low} 到 {high} 的图像。" if zh else
                    f"Here is the plot of {name} from {low} to {high}.")  # fmt: skip
            follow.append(drawn(again, curve(a, b, code, name, colour), text))
        else:
            name, code = function(r)
            again = (f"那{name}呢？" if zh else
                     phrase(r, "{And|Now|What about|now the same for|And for} {n}{?|}", n=name))  # fmt: skip
            text = (
                f"这是 {name} 的图像。"
                if zh
                else f"Here is the plot of {name} from {low} to {high}."
            )
            follow.append(drawn(again, curve(a, b, code, name, colour), text))
    broken = None
    if r.random() < 0.05:
        broken = r.choice([first.replace("import numpy as", "import numpi as"),
                           first.replace("plt.plot(x, ", "plt.plt(x, "),
                           first.replace("np.linspace", "np.linespace")])  # fmt: skip
    return drawn(ask, first, done, broken, tuple(follow))


def drawn(
    ask: str, code: str, answer: str, broken: str | None = None, follow: tuple[Task, ...] = ()
) -> Task:
    return Task(ask, said(answer), "python", code, broken=broken, follow=follow)


def two_functions(r: Random) -> Task:
    functions = [function(r) for _ in range(r.choice([2, 2, 3]))]
    low, high, a, b = span(r)
    names = spoken_list([name for name, _ in functions])
    lines = "".join(f'plt.plot(x, {code}, label="{name}")\n' for name, code in functions)
    ask = phrase(
        r,
        "{Plot|Draw|Graph|plot|Compare|Show} {names} {|together |in one plot |on the same axes }"
        "{from {low} to {high}|between {low} and {high}}{|.}",
        names=names, low=low, high=high,
    )  # fmt: skip
    code = f"{IMPORTS}x = np.linspace({a}, {b}, 200)\n{lines}plt.legend()\nplt.show()"
    return drawn(ask, code, f"Here are {names} from {low} to {high}.")


def shown(values: list[int | float]) -> str:
    return f"[{', '.join(map(str, values))}]"


def quoted(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def bars(r: Random) -> Task:
    count = r.randint(2, 6)
    names = r.sample(THINGS, count)
    values: list[int | float] = [r.choice([r.randint(1, 12), r.randint(5, 90), r.randint(100, 900)])
                                 for _ in names]  # fmt: skip
    joint = r.choice([" ", " ", ": ", " = ", "="])
    pairs = [f"{n}{joint}{v}" for n, v in zip(names, values, strict=True)]
    listed = r.choice([", ".join(pairs), spoken_list(pairs)])
    kind = r.choice(["bar", "bar", "bar", "pie", "barh", "line"])
    word, call = {
        "bar": ("bar chart", "plt.bar(names, values"),
        "pie": ("pie chart", 'plt.pie(values, labels=names, autopct="%1.1f%%"'),
        "barh": ("horizontal bar chart", "plt.barh(names, values"),
        "line": ("line chart", 'plt.plot(names, values, marker="o"'),
    }[kind]
    colour = r.choice(COLOURS) if kind != "pie" and r.random() < 0.15 else ""
    tint = f" in {colour}" if colour else ""
    head = f"import matplotlib.pyplot as plt\nnames = {quoted(names)}\nvalues = {shown(values)}\n"

    def code(colour: str) -> str:
        return f"{head}{call}" + (f', color="{colour}")' if colour else ")") + "\nplt.show()"

    if r.random() < 0.12:
        zh = {"bar": "柱状图", "pie": "饼图", "barh": "横向柱状图", "line": "折线图"}[kind]
        ask = phrase(
            r, "{画一个|请画|帮我做一个|画个}{zh}：{listed}", zh=zh, listed="，".join(pairs)
        )
        return drawn(ask, code(""), f"{zh}画好了。")
    ask = phrase(
        r,
        "{{Draw|Make|Plot|Create|Show|draw|make|Please draw|I need|Give me} a {word}{tint}"
        "{: | of | with | for }{listed}|{word}{tint}{: | of }{listed}|"
        "{listed}{. Draw|; make} a {word}{tint} of {this|that|these}}{|.}",
        word=word, listed=listed, tint=tint,
    )  # fmt: skip
    follow = []
    if kind in ("bar", "barh", "line") and r.random() < 0.3:
        other = r.choice(COLOURS)
        follow.append(drawn(phrase(r, "{Now in|Make it|and in|Use} {c}{ please||.}", c=other),
                            code(other), f"Here is the {word} in {other}."))  # fmt: skip
    if kind == "bar" and not follow and r.random() < 0.3:
        pie = f'{head}plt.pie(values, labels=names, autopct="%1.1f%%")\nplt.show()'
        follow.append(drawn(phrase(r, "{Now as a pie chart|And as a pie chart?|make it a pie}"), pie,
                            "Here is the pie chart."))  # fmt: skip
    return drawn(ask, code(colour), f"Here is the {word}{tint}.", None, tuple(follow))


def histogram(r: Random) -> Task:
    bins = r.choice([0, 0, 10, 15, 20, 30, 40])
    with_bins = f" with {bins} bins" if bins else ""
    option = f", bins={bins or 30}"
    if r.random() < 0.35:
        values: list[int | float] = [r.randint(1, 20) for _ in range(r.randint(5, 12))]
        listed = ", ".join(map(str, values))
        ask = phrase(r, "{Draw|Make|Plot|Show} a histogram of {listed}", listed=listed)
        code = (f"import matplotlib.pyplot as plt\nvalues = {shown(values)}\nplt.hist(values)\n"
                "plt.show()")  # fmt: skip
        return drawn(ask, code, "Here is the histogram.")
    count = r.choice([100, 200, 500, 1000, 2000, 5000, 10000])
    mean, deviation = r.randint(0, 100), r.randint(1, 20)
    what, call = r.choice(
        [
            (f"{count} random numbers", f"np.random.rand({count})"),
            (f"{count} normal random numbers", f"np.random.randn({count})"),
            (f"{count} normally distributed values", f"np.random.randn({count})"),
            (f"{count} samples from a normal distribution", f"np.random.randn({count})"),
            (f"{count} normal values with mean {mean} and standard deviation {deviation}",
             f"np.random.normal({mean}, {deviation}, {count})"),
            (f"{count} dice rolls", f"np.random.randint(1, 7, {count})"),
            (f"{count} throws of two dice",
             f"np.random.randint(1, 7, {count}) + np.random.randint(1, 7, {count})"),
            (f"{count} exponential random numbers", f"np.random.exponential(1, {count})"),
        ]
    )  # fmt: skip
    ask = phrase(
        r,
        "{Draw|Make|Plot|Show|Show me|draw|plot} {a|the} {histogram|distribution} of {what}{w}{|.}",
        what=what, w=with_bins,
    )  # fmt: skip
    code = f"{IMPORTS}values = {call}\nplt.hist(values{option})\nplt.show()"
    return drawn(ask, code, f"Here is the histogram of {what}.")


def points(r: Random) -> Task:
    if r.random() < 0.3:
        count = r.choice([20, 50, 100, 200, 300, 500])
        ask = phrase(r, "{Draw|Make|Plot|Show} a scatter plot of {c} random points{|.}", c=count)
        code = (f"{IMPORTS}x = np.random.rand({count})\ny = np.random.rand({count})\n"
                "plt.scatter(x, y)\nplt.show()")  # fmt: skip
        return drawn(ask, code, f"Here is the scatter plot of {count} random points.")
    xs: list[int | float] = sorted(r.sample(range(0, 30), r.randint(3, 6)))
    ys: list[int | float] = [r.randint(0, 50) for _ in xs]
    scatter = r.random() < 0.6
    listed = ", ".join(f"({x}, {y})" for x, y in zip(xs, ys, strict=True))
    ask = phrase(
        r,
        "{{Plot|Draw|Show} the points {listed}|{Make|Draw} a scatter plot of {listed}}"
        if scatter else "{Draw|Plot} a line through {the points |}{listed}",
        listed=listed,
    )  # fmt: skip
    call = "plt.scatter(x, y)" if scatter else 'plt.plot(x, y, marker="o")'
    code = (f"import matplotlib.pyplot as plt\nx = {shown(xs)}\ny = {shown(ys)}\n{call}\n"
            "plt.show()")  # fmt: skip
    return drawn(ask, code, "Here is the plot of the points.")


def series(r: Random) -> Task:
    count = r.choice([5, 8, 10, 12, 15, 20, 30])
    what, code = r.choice(
        [
            ("square numbers", "values = [i**2 for i in range(1, {n} + 1)]"),
            ("cubes", "values = [i**3 for i in range(1, {n} + 1)]"),
            ("powers of 2", "values = [2**i for i in range(1, {n} + 1)]"),
            ("Fibonacci numbers",
             "from sympy import fibonacci\nvalues = [fibonacci(i) for i in range(1, {n} + 1)]"),
            ("primes", "from sympy import prime\nvalues = [prime(i) for i in range(1, {n} + 1)]"),
            ("even numbers", "values = [2 * i for i in range(1, {n} + 1)]"),
        ]
    )  # fmt: skip
    kind = r.choice(["bar", "plot"])
    chart = {"bar": "a bar chart of ", "plot": ""}[kind]
    call = {
        "bar": f"plt.bar(range(1, {count} + 1), values)",
        "plot": 'plt.plot(values, marker="o")',
    }
    ask = phrase(r, "{Plot|Draw|Graph|plot} {chart}the first {n} {what}{|.}", chart=chart, n=count,
                 what=what)  # fmt: skip
    code = code.replace("{n}", str(count))
    return drawn(ask, f"import matplotlib.pyplot as plt\n{code}\n{call[kind]}\nplt.show()",
                 f"Here are the first {count} {what}.")  # fmt: skip


SKILLS: dict[Skill, float] = {
    plot_function: 4, two_functions: 1.2, bars: 2, histogram: 1.5, points: 1, series: 1,
}  # fmt: skip
