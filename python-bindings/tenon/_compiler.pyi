def compile(path: str | None, data: bytes | None, output: str, target: str, threads: int, jobs: int, optimization: int,
            precision: str, device: str | None, keep_source: bool, timings: str | None, tactics: str,
            host_kernels: bool, devices: str | None, parallel: str, archs: list[str] | None, shapes: dict[str, list[int]],
            fixed_shapes: dict[str, list[int]], compression: dict[str, str], low_rank: float, samples: int, merge: bool,
            keep: list[str]) -> None: ...
def compress(path: str, output: str, compression: dict[str, str], low_rank: float, samples: int, merge: bool,
             keep: list[str]) -> None: ...
