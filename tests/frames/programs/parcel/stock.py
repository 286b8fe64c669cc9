"""Things with a name, at most LIMIT of them."""
from checkpoint import attempt, checkpoint

LIMIT = 20
notes = []


def note(text):
    checkpoint()
    notes.append(text)


class Item:
    def __init__(self, name, amount):
        checkpoint()
        self.name = name
        self.amount = amount
        self.stock = None


class Stock:
    def __init__(self, name):
        self.name = name
        self.items = {}

    def add(self, item):
        item.stock = self
        self.items.setdefault(item.name, item).amount += item.amount % 5
        while len(self.items) > LIMIT:
            oldest = next(iter(self.items))
            checkpoint()
            del self.items[oldest]
        return item

    def __str__(self):
        total = 0
        for item in self.items.values():
            total += item.amount
            attempt()
        return f"{self.name}:{len(self.items)}:{total}"
