"""Work in forked processes: what crashes or never ends takes nothing else with it."""
import os
import pickle
import resource
import select
import signal
import time
import traceback

_PATIENCE = 10  # seconds that may pass for a second of processor time


class _Child:
    def __init__(self, item, work, limit):
        self.item, self.limit, self.started = item, limit, time.monotonic()
        self.pipe, end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._be_the_child(end, work)
        os.close(end)
        self.data = b""

    def _be_the_child(self, end, work):
        try:
            os.close(self.pipe)
            resource.setrlimit(resource.RLIMIT_CPU, (self.limit, self.limit))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)

            def stage(name):
                os.write(end, f"{name}\n".encode())
            try:
                answer = ("done", work(self.item, stage))
            except Exception:
                answer = ("raised", traceback.format_exc())
            data = b"=\n" + pickle.dumps(answer)
            while data:
                data = data[os.write(end, data):]
        finally:
            os._exit(0)

    def finish(self, killed):
        os.close(self.pipe)
        status = os.waitpid(self.pid, 0)[1]
        stages, mark, data = self.data.partition(b"=\n")
        seconds = time.monotonic() - self.started
        stage = stages.decode().split("\n")[-2] if b"\n" in stages else ""
        if data and not killed:
            try:
                return (*pickle.loads(data), seconds)
            except Exception:
                pass
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if killed or number in (signal.SIGXCPU, signal.SIGKILL):
            return "time-out", stage, seconds
        return "crash", f"{signal.Signals(number).name if number else 'exit'} in {stage}", seconds


def run(items, work, workers=2, limit=30):
    """Yields (item, kind, answer, seconds) as items end. work(item, stage) runs in a child. kind: "done" with what work
    returned, "raised" with a traceback, "crash" or "time-out" with where."""
    items, running = iter(items), []
    more = True
    while running or more:
        while more and len(running) < workers:
            try:
                running.append(_Child(next(items), work, limit))
            except StopIteration:
                more = False
        if not running:
            break
        ready = select.select([child.pipe for child in running], [], [], 0.2)[0]
        for child in list(running):
            killed = time.monotonic() - child.started > _PATIENCE * child.limit
            if killed:
                os.kill(child.pid, signal.SIGKILL)
            elif child.pipe in ready:
                chunk = os.read(child.pipe, 1 << 16)
                child.data += chunk
                if chunk:
                    continue
            else:
                continue
            running.remove(child)
            kind, answer, seconds = child.finish(killed)
            yield child.item, kind, answer, seconds
