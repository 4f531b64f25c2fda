"""tenon.data: data sets from iterators, as `tenon data` and a calibration read them."""
import json
import subprocess
import tracemalloc

import numpy as np
import pytest

from conftest import BUILD


def inspect(path):
    tool = BUILD / "bin" / "tenon"
    done = subprocess.run([tool, "data", "inspect", path, "--format=json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_an_iterator_becomes_one_file(tmp_path):
    import tenon.data
    path = tmp_path / "set.npz"
    assert tenon.data.save(({"x": np.full((2, 3), i, "f4"), "label": i} for i in range(5)), path) == 5
    with np.load(path) as data:
        assert data["x"].shape == (5, 2, 3) and data["x"][3, 1, 2] == 3
        assert data["label"].tolist() == [0, 1, 2, 3, 4]
    found = inspect(path)
    assert found["samples"] == 5 and [a["name"] for a in found["arrays"]] == ["label", "x"]
    assert [p.name for p in tmp_path.iterdir()] == ["set.npz"]


def test_samples_of_different_shapes_become_a_folder(tmp_path):
    import tenon.data
    samples = [{"x": np.zeros((1, n), "f4")} for n in (3, 5)]
    with pytest.raises(tenon.Error) as refused:
        tenon.data.save(samples, tmp_path / "set.npz")
    assert refused.value.code == "TN9053" and not list(tmp_path.iterdir())
    assert tenon.data.save(iter(samples), tmp_path / "set") == 2
    assert inspect(tmp_path / "set")["arrays"][0]["dims"] == [-1]


def test_what_is_no_data_is_refused(tmp_path):
    import tenon.data
    for samples, code in (([{"x": "text"}], "TN9006"), ([{"x": 1}, {"y": 1}], "TN9053")):
        with pytest.raises(tenon.Error) as refused:
            tenon.data.save(samples, tmp_path / "set.npz")
        assert refused.value.code == code


def test_one_sample_is_in_memory(tmp_path):
    import tenon.data
    tracemalloc.start()
    tenon.data.save(({"x": np.ones(1 << 18, "f4")} for _ in range(40)), tmp_path / "set.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
