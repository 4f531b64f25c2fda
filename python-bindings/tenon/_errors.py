"""The one exception of this package."""


class Error(Exception):
    """What went wrong, with a stable code that `tenon explain` explains.

    code    "TN" and four digits
    reason  one sentence
    remedy  what to do about it; may be empty
    node    the ONNX node or tensor concerned; may be empty
    """

    def __init__(self, code: str, reason: str, remedy: str = "", node: str = "") -> None:
        super().__init__(code, reason, remedy, node)
        self.code = code
        self.reason = reason
        self.remedy = remedy
        self.node = node

    def __str__(self) -> str:
        where = f"node '{self.node}': " if self.node else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.code}: {where}{self.reason}{remedy}"
