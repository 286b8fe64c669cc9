"""Parsers over big texts: C with pycparser, JSON and arithmetic with lark (Earley and LALR)."""
import hashlib
import sys

from lark import Lark, Transformer, v_args
from pycparser import c_ast, c_generator, c_parser

ROUNDS = int(sys.argv[1])
JSON = r"""
    ?value: object | array | ESCAPED_STRING -> string | SIGNED_NUMBER -> number
          | "true" -> true | "false" -> false | "null" -> null
    array: "[" [value ("," value)*] "]"
    object: "{" [pair ("," pair)*] "}"
    pair: ESCAPED_STRING ":" value
    %import common.ESCAPED_STRING
    %import common.SIGNED_NUMBER
    %import common.WS
    %ignore WS
"""
SUMS = """
    ?sum: product | sum "+" product -> add | sum "-" product -> sub
    ?product: atom | product "*" atom -> mul
    ?atom: NUMBER -> number | "(" sum ")"
    %import common.NUMBER
    %ignore " "
"""


class ToValues(Transformer):
    array = list
    object = dict
    pair = tuple

    @v_args(inline=True)
    def string(self, token):
        return token[1:-1]

    @v_args(inline=True)
    def number(self, token):
        return float(token)

    def true(self, _):
        return True

    def false(self, _):
        return False

    def null(self, _):
        return None


@v_args(inline=True)
class Calculate(Transformer):
    number = int

    def add(self, a, b):
        return a + b

    def sub(self, a, b):
        return a - b

    def mul(self, a, b):
        return a * b


class Calls(c_ast.NodeVisitor):
    def __init__(self):
        self.names = []

    def visit_FuncCall(self, node):
        self.names.append(node.name.name)
        self.generic_visit(node)


def c_source(turn):
    body = "\n".join(
        f"static int f{i}(int a, const char *b) {{ struct s *p = at(a, {i}); "
        f"for (int k = 0; k < {i}; ++k) {{ if (p->x[k] > a) return g{turn}(k, b) + {i}; }} "
        f"switch (a) {{ case {i}: do {{ a <<= 1; }} while (a < 9); default: break; }} "
        f"return p ? (int)sizeof(*p) : -1; }}"
        for i in range(30)
    )
    return f"struct s {{ int x[10]; union {{ long l; double d; }} u; }};\nenum e {{ A, B = 3 }};\n{body}"


def json_text(turn):
    inner = ", ".join(f'{{"k{i}": [{i}, -{i}.5e1, "t{i * turn}", null, true]}}' for i in range(20))
    return f'{{"turn": {turn}, "rows": [{inner}], "none": []}}'


for turn in range(ROUNDS):
    tree = c_parser.CParser().parse(c_source(turn), "made.c")
    calls = Calls()
    calls.visit(tree)
    text = c_generator.CGenerator().visit(tree)
    print(turn, len(calls.names), calls.names[turn % 60], hashlib.sha1(text.encode()).hexdigest())
    print(Lark(JSON, start="value", parser="lalr", transformer=ToValues()).parse(json_text(turn)))
    earley = Lark(SUMS, start="sum", parser="earley")
    words = " + ".join(f"{i} * ({i} - {turn})" for i in range(12))
    print(Calculate().transform(earley.parse(words)))
