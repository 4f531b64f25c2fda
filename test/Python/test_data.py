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


@pytest.mark.parametrize("name", ["set.npz", "set"])
def test_an_iterator_without_samples_is_refused(tmp_path, name):
    import tenon.data
    with pytest.raises(tenon.Error) as refused:
        tenon.data.save(iter([]), tmp_path / name)
    assert refused.value.code == "TN9057" and not list(tmp_path.iterdir())


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    import tenon.data
    assert tenon.data.save([{"x": np.ones(2)}] * 3, tmp_path / "set") == 3
    with pytest.raises(tenon.Error) as refused:
        tenon.data.save([{"x": np.ones(2)}], tmp_path / "set")
    assert refused.value.code == "TN9007" and len(list((tmp_path / "set").iterdir())) == 3


@pytest.mark.parametrize("name", ["set.npz", "set"])
def test_arrays_of_the_other_byte_order_are_turned(tmp_path, name):
    import tenon.data
    tenon.data.save([{"x": np.array([1, 2.5], ">f4"), "n": np.array(3, ">i8")}] * 2, tmp_path / name)
    found = {a["name"]: a for a in inspect(tmp_path / name)["arrays"]}
    assert (found["x"]["min"], found["x"]["max"], found["n"]["max"]) == (1, 2.5, 3)


def test_a_dictionary_of_arrays_is_no_data_set(tmp_path, mlp):
    import tenon.data
    x = np.zeros((4, 784), "f4")
    with pytest.raises(TypeError, match="dictionary of arrays for each sample"):
        tenon.data.save({"x": x}, tmp_path / "set.npz")
    with pytest.raises(TypeError, match="dictionary of arrays for each sample"):
        tenon.compile(mlp, quantize="int8", calibration={"x": x})
    with pytest.raises(TypeError, match="not ndarray"):
        tenon.data.save(x, tmp_path / "set.npz")


def test_one_sample_is_in_memory(tmp_path):
    import tenon.data
    tracemalloc.start()
    tenon.data.save(({"x": np.ones(1 << 18, "f4")} for _ in range(40)), tmp_path / "set.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
