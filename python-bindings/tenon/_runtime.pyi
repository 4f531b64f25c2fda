from typing import Any

import numpy as np

def version() -> str: ...
def cpu_arch() -> str: ...

class Session:
    threads: int
    arch: str
    inputs: list[tuple[str, int, list[int], list[str], int, bool, bool]]
    outputs: list[tuple[str, int, list[int], list[str], int, bool, bool]]
    def __init__(self, path: str, threads: int, arch: str | None) -> None: ...
    def run(self, names: list[bytes], arrays: list[np.ndarray[Any, Any]], types: list[int],
            profile: str | None) -> list[tuple[str, int, np.ndarray[Any, Any]]]: ...
    def run_values(self, values: list[tuple[int, int, list[np.ndarray[Any, Any]]]],
                   profile: str | None) -> list[tuple[int, int, list[np.ndarray[Any, Any]]]]: ...
