"""The real tasks on which compressed models are judged: load(NAME), or command line:

    python -m tasks [NAME ...]     the score of each in f32, by ONNX Runtime (run in test/Models)
"""
NAMES = ["digits_cnn", "digits_vit", "minilm", "ocr", "magika", "resnet50"]


def load(name):
    """A Task (task.py), its model and data made or fetched where they are missing; raises task.Unavailable."""
    if name.startswith("digits"):
        from tasks.digits import Digits
        return Digits(name)
    if name == "minilm":
        from tasks.minilm import MiniLm
        return MiniLm()
    if name == "ocr":
        from tasks.ocr import Ocr
        return Ocr()
    if name == "magika":
        from tasks.magika import Magika
        return Magika()
    if name == "resnet50":
        from tasks.drawn import Drawn
        return Drawn(name)
    raise ValueError(f"no task {name}; there are {', '.join(NAMES)}")
