"""A package of the program's own."""
from . import stock

version = stock.LIMIT - 1
