"""The table of what a random graph may consist of: functions that append an operator, with its operands, to a Maker."""
import collections

Entry = collections.namedtuple("Entry", "name append weight since")
TABLE = []


def op(*names, weight=1.0, since=1):
    """Registers `append(maker, name)` for each of `names`. `since`: the first opset that has the operator."""
    def register(append):
        TABLE.extend(Entry(name, append, weight, since) for name in names)
        return append
    return register
