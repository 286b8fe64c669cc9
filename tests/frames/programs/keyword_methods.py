"""Methods called with keywords: a bound method, loaded as an attribute, is the callable."""
from checkpoint import attempt, checkpoint


class Base:
    kind = "base"

    def get(self, key="k", *, default=None):
        checkpoint()
        return self.kind, key, default

    @classmethod
    def make(cls, *, kind):
        checkpoint()
        made = cls()
        made.kind = kind
        return made

    @staticmethod
    def plain(*, a, b=2):
        checkpoint()
        return a, b


class Derived(Base):
    def get(self, key="d", *, default=None):
        checkpoint()
        return ("derived", *super().get(key=key, default=default))


class Holder:
    def __init__(self, **given):
        checkpoint()
        self.inner = Derived.make(kind=given["kind"])


print(Base().get(default=1), Derived().get(key="x", default=2))
holder = Holder(kind="held")
print(holder.inner.get(default=3), Base.plain(a=1), Derived.make(kind="made").get(key="y"))
print([holder.inner.get(key=k, default=len(k)) for k in ("a", "bb")])
print([1, holder.inner.get(default=5), 2][1])


def called_back(**words):
    attempt()
    return sorted(words)


holder.inner.hook = called_back
print(holder.inner.hook(b=1, a=2))
