"""Pages rendered with jinja2: inheritance, macros, loops, filters and tests of our own."""
import sys

from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError

ROUNDS = int(sys.argv[1])
PAGES = {
    "base": "<h1>{% block title %}none{% endblock %}</h1>{% block body %}{% endblock %}<p>{{ n }}",
    "cells": "{% macro cell(value, kind='td') -%}<{{ kind }}>{{ value|e }}</{{ kind }}>{%- endmacro %}",
    "table": """{% extends "base" %}{% from "cells" import cell %}
{% block title %}{{ super() }} {{ rows|length }} rows{% endblock %}
{% block body %}{% for row in rows if (row.size is not odd) recursive %}
  {{ loop.index }}/{{ loop.length }} {{ cell(row.name) }}{{ cell(row.size|thousands, kind="b") }}
  {%- if row.inner %}{{ loop(row.inner) }}{% endif %}
{%- else %}nothing{% endfor %}
{% set total = namespace(value=0) %}{% for row in rows %}{% set total.value = total.value + row.size %}
{%- endfor %}{{ total.value }} {{ rows|map(attribute="name")|join(", ")|truncate(40) }}
{% for size, group in rows|groupby("size") %}{{ size }}:{{ group|list|length }};{% endfor %}{% endblock %}""",
}


def thousands(number):
    return f"{number * 1000:,}"


environment = Environment(loader=DictLoader(PAGES), autoescape=True, undefined=StrictUndefined)
environment.filters["thousands"] = thousands
environment.tests["odd"] = lambda number: number % 2 == 1
for turn in range(ROUNDS):
    rows = [
        {"name": f"<{turn}&{i}>", "size": i * turn % 7, "inner": [{"name": "in", "size": 4, "inner": []}] * (i % 3)}
        for i in range(25)
    ]
    print(environment.get_template("table").render(rows=rows, n=turn))
    print("".join(environment.from_string("{% for i in range(n) %}{{ i }} {% endfor %}").generate(n=30)))
    try:
        environment.from_string("{{ absent.name }}").render()
    except UndefinedError as error:
        print(error)
    if turn % 10 == 0:  # compile them anew
        environment.cache.clear()
