"""One expression with tens of thousands of operands, which all lie on the stack at once."""
import sys

from checkpoint import checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
COUNT = 20_000


class Item:
    def __init__(self, number):
        self.number = number

    def __format__(self, text):
        if self.number % 9_999 == 7:
            checkpoint()
        return str(self.number % 10)


item = [Item(number) for number in range(9)]
special = Item(10_006)
for turn in range(ROUNDS):
    text = "f'" + "{item[3]} " * COUNT + "{special} " + "{item[7]} " * 9 + "'"
    made = eval(text)
    print(len(made), made[-30:], made.count("3"))
    checkpoint()
    total = eval("sum((" + "number, " * COUNT + "last.number))", {"number": 2, "last": special})
    print(total)
