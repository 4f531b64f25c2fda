"""The tokenizer of uncased BERT models: words and punctuation, then the longest pieces of a vocabulary."""
import unicodedata

LONGEST, MAX_WORD = 128, 100  # tokens of a text, with [CLS] and [SEP]; letters of a word


def is_punctuation(letter):
    """As BERT has it: every ASCII sign that is no letter, digit or space counts."""
    return letter.isascii() and letter.isprintable() and not letter.isalnum() and not letter.isspace() or \
        unicodedata.category(letter).startswith("P")


def words(text):
    """Lower case, without accents; signs and Chinese characters stand alone."""
    no_text = (c for c in text if not c.isspace() and (unicodedata.category(c)[0] == "C" or c == "\ufffd"))
    kept = text.translate(dict.fromkeys(map(ord, no_text)))
    plain = (c for c in unicodedata.normalize("NFD", kept.lower()) if unicodedata.category(c) != "Mn")
    return "".join(f" {c} " if is_punctuation(c) or "\u3400" <= c <= "\u9fff" else c for c in plain).split()


class Tokenizer:
    """Reads a vocab.txt: one piece a line, its number the index of the line; ## begins a piece inside of a word."""

    def __init__(self, path):
        self.ids = {piece: i for i, piece in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1])}

    def pieces(self, word):
        found, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = (end for end in range(len(word), start, -1) if prefix + word[start:end] in self.ids)
            end = next(ends, None)
            if end is None or len(word) > MAX_WORD:
                return [self.ids["[UNK]"]]
            found.append(self.ids[prefix + word[start:end]])
            start = end
        return found

    def __call__(self, text):
        """Numbers of the tokens of a text."""
        inner = [i for word in words(text) for i in self.pieces(word)]
        return [self.ids["[CLS]"], *inner[:LONGEST - 2], self.ids["[SEP]"]]
