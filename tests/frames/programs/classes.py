"""Instances, inheritance, super, properties, class and static methods, __getattr__, __call__, abc."""
import abc
import sys

from checkpoint import attempt, checkpoint

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Account(abc.ABC):
    opened = 0

    def __init__(self, owner, balance=0):
        checkpoint()
        self.owner = owner
        self._balance = balance
        type(self).opened += 1

    @property
    def balance(self):
        checkpoint()
        return self._balance

    @balance.setter
    def balance(self, value):
        checkpoint()
        if value < 0:
            raise ValueError(f"{self.owner} is short of {-value}")
        self._balance = value

    @classmethod
    def named(cls, name):
        checkpoint()
        return cls(name)

    @staticmethod
    def fee(amount):
        return amount // 100

    @abc.abstractmethod
    def month(self): ...

    def __repr__(self):
        return f"{type(self).__name__}({self.owner}, {self._balance})"


class Savings(Account):
    def __init__(self, owner, balance=0, rate=3):
        super().__init__(owner, balance)
        self.rate = rate

    def month(self):
        checkpoint()
        self.balance += self.balance * self.rate // 1200
        return self


class Loud(Savings):
    def month(self):
        super().month()
        checkpoint()
        self.said = f"{self.owner}!"
        return self

    def __getattr__(self, name):
        attempt()
        if name.startswith("get_"):
            return lambda: getattr(self, name[4:])
        raise AttributeError(name)

    def __call__(self, amount):
        checkpoint()
        self.balance -= amount + self.fee(amount)
        return self.balance


try:
    Account("nobody")
except TypeError:
    print("abstract")
accounts = [Savings("ann", 10_000), Loud.named("bob"), Loud("cid", 50_000, rate=9)]
for turn in range(600 * ROUNDS):
    for account in accounts:
        account.month()
    try:
        accounts[2](turn % 500)
        accounts[1](turn % 7)
    except ValueError as error:
        accounts[1].balance = 40
        if turn % 100 == 0:
            print(error)
    if turn % 100 == 0:
        print(turn, *accounts, accounts[2].get_said())
print(Savings.opened, Loud.opened, Account.opened, hasattr(accounts[1], "missing"))
print(Loud.__mro__[1].__name__, isinstance(accounts[1], Account), accounts[0].__dict__)
