"""The tasks themselves: their models solve them, alike by Tenon and by ONNX Runtime."""
import numpy as np
import pytest

# Scores that show a model at work.
SOLVED = {"digits_cnn": 98.5, "digits_vit": 97}


@pytest.mark.parametrize("name", ["digits_cnn", "digits_vit"])
def test_a_plan_scores_as_onnx_runtime_does(task, session, name):
    from tasks.task import onnx_runtime
    it = task(name)
    score = it.judge(session(it.model))
    assert score["accuracy"] >= SOLVED[name]
    assert score == it.judge(onnx_runtime(it.model))


@pytest.mark.parametrize("name", ["minilm", "ocr", "magika"])
def test_outputs_are_those_of_onnx_runtime(task, session, name):
    from tasks.task import onnx_runtime
    it = task(name)
    ours, theirs = session(it.model)(it.feeds)[0], onnx_runtime(it.model)(it.feeds)[0]
    assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()


def test_calibration_and_test_are_disjoint(task):
    digits = task("digits_cnn")
    with np.load(digits.calibration) as calibration:
        seen = {image.tobytes() for image in calibration["image"]}
    assert len(seen) >= 250 and not seen & {image.tobytes() for image in digits.images}


def test_sentence_embeddings_have_the_published_similarities(task, session):
    """The table that the documentation of sentence-transformers shows for all-MiniLM-L6-v2."""
    minilm = task("minilm")
    run = session(minilm.model)
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    ids = [np.array([minilm.tokenizer(text)]) for text in texts]
    embeddings = np.concatenate([run({"input_ids": i, "attention_mask": np.ones_like(i)})[0] for i in ids])
    published = [[1, 0.6660, 0.1046], [0.6660, 1, 0.1411], [0.1046, 0.1411, 1]]
    np.testing.assert_allclose(embeddings @ embeddings.T, published, atol=6e-5)


def test_padding_does_not_change_an_embedding(task, session):
    minilm = task("minilm")
    run, alone = session(minilm.model), np.array([minilm.tokenizer("A short text.")])
    padded, mask = np.pad(alone, ((0, 0), (0, 9))), np.pad(np.ones_like(alone), ((0, 0), (0, 9)))
    np.testing.assert_allclose(run({"input_ids": padded, "attention_mask": mask})[0],
                               run({"input_ids": alone, "attention_mask": np.ones_like(alone)})[0], atol=1e-6)


def test_pieces_of_words(task):
    tokenizer = task("minilm").tokenizer
    pieces = {i: piece for piece, i in tokenizer.ids.items()}
    assert [pieces[i] for i in tokenizer("Unaffable Café, 漢!")] == \
        ["[CLS]", "una", "##ffa", "##ble", "cafe", ",", "漢", "!", "[SEP]"]
    assert tokenizer("x" * 101)[1:-1] == [tokenizer.ids["[UNK]"]]


def test_distance_of_texts():
    from tasks.ocr import distance
    assert [distance(*pair) for pair in (("", ""), ("abc", ""), ("kitten", "sitting"), ("ab", "ba"))] == [0, 3, 3, 2]
