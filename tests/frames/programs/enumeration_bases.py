"""Enumerations whose members are of a type of C that has its own pickling."""

import datetime
import decimal
from enum import Enum

from checkpoint import checkpoint


class Holiday(datetime.date, Enum):
    NEW_YEAR = 2000, 1, 1
    MAY_DAY = 2000, 5, 1

    @property
    def ordinal(self):
        return self.toordinal()


class Wait(datetime.timedelta, Enum):
    SHORT = 0, 5
    LONG = 2, 0
    BRIEF = 0, 5


class Moment(datetime.datetime, Enum):
    START = 2000, 1, 1, 12, 30


class Price(decimal.Decimal, Enum):
    LOW = "1.50"
    HIGH = "99.99"


def show(kind):
    checkpoint()
    for member in kind:
        checkpoint()
        print(member.name, repr(member.value), member is kind(member.value), kind[member.name])
    return len(kind)


held = [Holiday.MAY_DAY, Wait.LONG, Moment.START, Price.HIGH]
by_member = {Holiday.NEW_YEAR: "new year", Price.LOW: "low"}
for each in (Holiday, Wait, Moment, Price):
    print(each.__name__, show(each))
checkpoint()
print([member is type(member)[member.name] for member in held], Wait.BRIEF is Wait.SHORT)
print(by_member[Holiday.NEW_YEAR], by_member[Price.LOW], Holiday.MAY_DAY.ordinal)
print(float(Price.HIGH) + float(Price.LOW), Wait.LONG > Wait.SHORT, Moment.START.isoformat())
