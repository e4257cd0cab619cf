"""Equations, calculus and matrices, solved with sympy and numpy."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from finetune.bundled.data.intents import WHAT, Intent, Slots, skill
from finetune.bundled.data.tasks import Skill


def term(k: int, x: str, code: bool) -> str:
    """' + 3x', or for sympy ' + 3*x'."""
    sign = " - " if k < 0 else " + "
    size = abs(k)
    if not x:
        return f"{sign}{size}" if size else ""
    return (
        ""
        if not size
        else f"{sign}{'' if size == 1 else size}{'*' if code and size != 1 else ''}{x}"
    )


def polynomial(factors: list[int], x: str, code: bool) -> str:
    """From the highest power down, as people write it or for sympy."""
    degree, text = len(factors) - 1, ""
    for at, k in enumerate(factors):
        power = degree - at
        name = "" if power == 0 else x if power == 1 else f"{x}{'**' if code else '^'}{power}"
        text += term(k, name, code)
    return text.removeprefix(" + ") if text.startswith(" + ") else "-" + text.removeprefix(" - ")


def equation(r: Random) -> Slots:
    x = r.choice(["x", "x", "x", "x", "y", "t", "n"])
    kind = r.choice(
        [
            "linear",
            "linear",
            "linear",
            "quadratic",
            "quadratic",
            "quadratic",
            "cubic",
            "both",
            "pure",
        ]
    )
    if kind == "linear":
        a, root, b = (
            r.choice([r.randint(2, 20), -r.randint(2, 9)]),
            r.randint(-9, 30),
            r.choice([r.randint(1, 50), -r.randint(1, 50)]),
        )
        left, right = [a, b], [a * root + b]
    elif kind == "both":
        a, c, root, b = r.randint(3, 12), r.randint(1, 2), r.randint(1, 12), r.randint(1, 30)
        left, right = [a, b], [c, (a - c) * root + b]
    elif kind == "quadratic":
        p, q = r.randint(-12, 12), r.randint(-12, 12)
        k = r.choice([1, 1, 1, 2, 3])
        left, right = [k, -k * (p + q), k * p * q], [0]
    elif kind == "cubic":
        p, q, s = r.randint(-5, 5), r.randint(-5, 5), r.randint(-5, 5)
        left, right = [1, -(p + q + s), p * q + p * s + q * s, -p * q * s], [0]
    else:
        left, right = [1, 0, 0], [r.randint(2, 20) ** 2]

    def side(factors: list[int], code: bool) -> str:
        return polynomial(factors, x, code) if any(factors) else "0"

    said = f"{side(left, False)} = {side(right, False)}"
    if r.random() < 0.15:
        said = said.replace("^", "**")
    elif r.random() < 0.2:
        said = said.replace("^2", "²").replace("^3", "³")
    if r.random() < 0.25:
        said = said.replace(" ", "")
    return {"x": x, "e": said, "l": side(left, True), "rhs": side(right, True)}


def system(r: Random) -> Slots:
    x, y = r.randint(-5, 12), r.randint(-5, 12)
    a, b, c, d = (
        r.randint(1, 6),
        r.choice([1, 2, 3, -1, -2]),
        r.randint(1, 5),
        r.choice([4, 5, -3, -4]),
    )
    one, two = (
        f"{term(a, 'x', False)}{term(b, 'y', False)}"[3:],
        f"{term(c, 'x', False)}{term(d, 'y', False)}"[3:],
    )
    code1, code2 = (
        f"{term(a, 'x', True)}{term(b, 'y', True)}"[3:],
        f"{term(c, 'x', True)}{term(d, 'y', True)}"[3:],
    )
    return {
        "e": f"{one} = {a * x + b * y}",
        "f": f"{two} = {c * x + d * y}",
        "c": code1,
        "d": code2,
        "rhs": a * x + b * y,
        "s": c * x + d * y,
        "sum": x + y,
        "diff": x - y,
    }


def function(r: Random) -> Slots:
    k, n, b, c = r.randint(2, 6), r.randint(2, 5), r.randint(1, 9), r.randint(1, 9)
    said, code = r.choice([
        (f"x^{n}", f"x**{n}"), ("x^2", "x**2"), ("x^3", "x**3"), (f"{k}x^{n}", f"{k}*x**{n}"), (f"x^{n} + {b}x", f"x**{n} + {b}*x"), (f"x^3 - {b}x + {c}", f"x**3 - {b}*x + {c}"),
        (f"x^2 + {b}x + {c}", f"x**2 + {b}*x + {c}"), ("sin(x)", "sin(x)"), ("cos(x)", "cos(x)"), (f"sin({k}x)", f"sin({k}*x)"), ("e^x", "exp(x)"), (f"e^({k}x)", f"exp({k}*x)"),
        ("exp(x)", "exp(x)"), ("x*sin(x)", "x*sin(x)"), ("x*e^x", "x*exp(x)"), (f"{b}x + {c}", f"{b}*x + {c}"), ("x^2*sin(x)", "x**2*sin(x)"), ("ln(x)", "log(x)"), ("log(x)", "log(x)"),
        ("sqrt(x)", "sqrt(x)"), ("1/x", "1/x"), ("1/x^2", "1/x**2"), ("sin x", "sin(x)"), ("x ln x", "x*log(x)")])  # fmt: skip
    return {
        "f": said,
        "c": code,
        "a": r.randint(1, 3),
        "b": r.randint(4, 9),
        "n": r.randint(2, 5),
        "p": r.randint(1, 9),
        "q": r.randint(1, 9),
    }


S = 'from sympy import *\nx = symbols("x")\n'
SOLVE = [
    Intent(equation, """
        {Solve|solve|Solve for {x}:|Find {x}:|Solve the equation|Find {x} if|solve for {x}:} {e}
        {e}{, find {x}|, what is {x}?|, solve for {x}|. What is {x}?|, {x}=?}
        {What is|Find|Compute} {x} {if|when|in} {e}{?|}
        {What are|Find} the {solutions|roots} of {e}{?|}
        {For which|Which} {x} {is|gives} {e}?
        {Can you solve|Could you solve|Please solve} {e}{?|}
        {I need the solutions of|Give me the solutions of} {e}
        {Where|When} is {e}?
    """, 'from sympy import *\n{x} = symbols("{x}")\nprint(solve(Eq({l}, {rhs}), {x}))', "The solutions are [[]].",
    "{解方程|求解|解|请解方程} {e}\n{e}，{x} {等于多少|是多少}？\n方程 {e} 的解是{多少|什么}？", "解是 [[]]。", 4, plain=True),
    Intent(system, """
        {Solve|solve} {the system |the equations |}{e} {and|,} {f}
        {Solve|Find x and y:|Find x and y if} {e}, {f}
        {What are|Find} x and y if {e} and {f}{?|}
    """, 'from sympy import *\nx, y = symbols("x y")\nprint(solve([Eq({c}, {rhs}), Eq({d}, {s})], [x, y]))', "The solution is [[]].", "解方程组 {e}，{f}", "解是 [[]]。", 1, plain=True),
    Intent(system, """
        {Two numbers add up to|The sum of two numbers is} {sum} and {their difference is|differ by} {diff}. {What are they|Which numbers are they|Find them}{?|}
    """, 'from sympy import *\nx, y = symbols("x y")\nprint(solve([Eq(x + y, {sum}), Eq(x - y, {diff})], [x, y]))', "The numbers are [[]].", weight=0.4, plain=True),
]  # fmt: skip
CALCULUS = [
    Intent(function, WHAT + " the derivative of {f}{?|}\n{Differentiate|differentiate|Derive} {f}{ with respect to x|}\nderivative of {f}{?|}\nd/dx {f}\nd/dx of {f}{?|}", S + "print(diff({c}, x))", "The derivative of {f} is [[]].", "{求|} {f} 的导数{是什么？|}\n对 {f} 求导", "{f} 的导数是 [[]]。", 1.5, plain=True),
    Intent(function, WHAT + " the second derivative of {f}{?|}\nsecond derivative of {f}", S + "print(diff({c}, x, 2))", "The second derivative of {f} is [[]].", weight=0.4, plain=True),
    Intent(function, WHAT + " the {indefinite |}{integral|antiderivative} of {f}{?|}\n{Integrate|integrate} {f}{ with respect to x| dx|}\n{integral|antiderivative} of {f}{?|}", S + "print(integrate({c}, x))", "The integral of {f} is [[]].", "{求|} {f} 的不定积分{是什么？|}", "积分是 [[]]。", 1.2, plain=True),
    Intent(function, WHAT + " the integral of {f} from {a} to {b}{?|}\n{Integrate|integrate} {f} {from|between} {a} {to|and} {b}{ numerically|}\nintegral of {f} from {a} to {b}\n{What is|Find} the area under {f} {from|between} {a} {to|and} {b}{?|}", S + "print(float(integrate({c}, (x, {a}, {b}))))", "The integral from {a} to {b} is [[]].", "求 {f} 从 {a} 到 {b} 的{定积分|积分}", "积分是 [[]]。", 1.2, plain=True),
    Intent(function, "{Expand|expand|Multiply out} (x + {p})^{n}\n{Expand|expand|Multiply out} (x + {p})**{n}", S + "print(expand((x + {p})**{n}))", "Expanded it is [[]].", weight=0.5, plain=True),
    Intent(function, "{Expand|expand|Multiply out} (x + {p})(x - {q})", S + "print(expand((x + {p})*(x - {q})))", "Expanded it is [[]].", weight=0.4, plain=True),
    Intent(function, "{What is|Evaluate|Compute} {f} {at|for} x = {p}{?|}\n{If|if} x = {p}, what is {f}?", S + "print(({c}).subs(x, {p}).evalf(10))", "At x = {p} it is [[]].", weight=0.8, plain=True),
]  # fmt: skip


def matrices(r: Random) -> Slots:
    n = r.choice([2, 2, 3])
    a, b = (
        [[r.randint(-3 if r.random() < 0.3 else 0, 9) for _ in range(n)] for _ in range(n)]
        for _ in "ab"
    )
    while n == 2 and a[0][0] * a[1][1] == a[0][1] * a[1][0]:
        a[0][0] += 1
        a[1][1] += 1
    u, v = ([r.randint(-5, 9) for _ in range(3)] for _ in "uv")
    style = r.randrange(3)

    def shown(m: list[list[int]]) -> str:
        if style == 2:
            return "; ".join(" ".join(map(str, row)) for row in m)
        return str(m).replace(" ", "") if style else str(m)

    return {
        "A": shown(a),
        "B": shown(b),
        "a": a,
        "b": b,
        "u": r.choice([u, tuple(u)]),
        "v": v,
        "cu": u,
        "cv": v,
    }


N = "import numpy as np\n"
MATRICES = [
    Intent(matrices, "{Multiply|multiply} the matrices {A} and {B}\n{matrix product|Matrix product|product} of {A} and {B}\n{What is|Compute} {A} times {B}{ as matrices|}{?|}\n{matrix|Matrix} multiplication: {A} and {B}", N + "print(np.array({a}) @ np.array({b}))", "The product is\n[[]]", "求矩阵 {A} 和 {B} 的乘积", "乘积是\n[[]]", plain=True),
    Intent(matrices, WHAT + " the determinant of {the matrix |}{A}{?|}\ndet {A}\ndeterminant of {A}", N + "print(round(np.linalg.det({a}), 6))", "The determinant is [[]].", "矩阵 {A} 的行列式是多少？", "行列式是 [[]]。", plain=True),
    Intent(matrices, "{Transpose|transpose} {the matrix |}{A}\n{What is|Show} the transpose of {A}{?|}", N + "print(np.array({a}).T)", "The transpose is\n[[]]", weight=0.7, plain=True),
    Intent(matrices, "{Add|add} the matrices {A} and {B}", N + "print(np.array({a}) + np.array({b}))", "The sum is\n[[]]", weight=0.4, plain=True),
    Intent(matrices, "{What is|Compute|Find} the dot product of {u} and {v}{?|}\n{dot|scalar|inner} product of {u} and {v}", N + "print(np.dot({cu}, {cv}))", "The dot product is [[]].", "{u} 和 {v} 的点积是多少？", "点积是 [[]]。", 0.8, plain=True),
    Intent(matrices, "{What is|Compute|Find} the cross product of {u} and {v}{?|}", N + "print(np.cross({cu}, {cv}))", "The cross product is [[]].", weight=0.4, plain=True),
    Intent(matrices, "{What is|Compute} the {length|norm} of the vector {u}{?|}", N + "print(np.linalg.norm({cu}))", "The length is [[]].", weight=0.5, plain=True),
]  # fmt: skip
SKILLS: dict[Skill, float] = {skill(SOLVE): 2.5, skill(CALCULUS): 1.2, skill(MATRICES): 0.9}
