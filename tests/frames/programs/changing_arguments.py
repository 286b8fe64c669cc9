"""Lists that become plain numbers while a builtin goes over them."""
from checkpoint import checkpoint


class Item:
    def __init__(self, number, change=None):
        self.number = number
        self.change = change

    def met(self):
        if self.change is not None:
            self.change()
        checkpoint()
        return self.number

    def __radd__(self, other):
        return other + self.met()

    def __lt__(self, other):
        return self.met() < other.number

    def __gt__(self, other):
        return self.met() > other.number


def changing(numbers, at):
    items = [Item(number) for number in numbers]
    items[at].change = lambda: items.__setitem__(slice(None), [5, 6])
    return items


def twice(function, numbers, at):
    first = function(changing(numbers, at))
    second = function([Item(10), Item(20)])
    return [getattr(each, "number", each) for each in (first, second)]


for function in (sum, min, max):
    for at in (0, 1, 2):
        print(function.__name__, at, twice(function, [3, 1, 4], at))
