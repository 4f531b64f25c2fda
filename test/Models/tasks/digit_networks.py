"""The two networks of the digits, as functions of a builder (tape.py says which): [N, 1, 8, 8] -> [N, 10]."""


def cnn(g, x):
    """Three stages of convolutions with batch normalisation, a residual block, 42 thousand weights."""
    def unit(x, name, channels):
        return g.batch_norm(g.conv(x, name, channels, 3), name)

    x = g.relu(unit(x, "stem", 16))
    x = g.max_pool(g.relu(unit(x, "widen", 32)))
    x = g.relu(g.add(x, unit(g.relu(unit(x, "residual_a", 32)), "residual_b", 32)))
    x = g.relu(unit(x, "deep", 64))
    return g.linear(g.mean(x, 2, 3), "head", 10)


WIDTH, HEADS, BLOCKS = 64, 4, 2


def attention(g, x, name):
    def heads(part, *order):
        return g.transpose(g.reshape(g.linear(x, f"{name}.{part}", WIDTH), 0, 0, HEADS, WIDTH // HEADS), *order)

    scores = g.scale(g.matmul(heads("q", 0, 2, 1, 3), heads("k", 0, 2, 3, 1)), (WIDTH // HEADS) ** -0.5)
    y = g.transpose(g.matmul(g.softmax(scores), heads("v", 0, 2, 1, 3)), 0, 2, 1, 3)
    return g.linear(g.reshape(y, 0, 0, WIDTH), f"{name}.out", WIDTH)


def vit(g, x):
    """16 patches of 2 x 2 pixels, two blocks of 64 channels, four heads, 69 thousand weights."""
    x = g.transpose(g.reshape(x, 0, 4, 2, 4, 2), 0, 1, 3, 2, 4)
    x = g.linear(g.reshape(x, 0, 16, 4), "patches", WIDTH)
    x = g.add(x, g.weight("positions", (16, WIDTH), 0.1))
    for i in range(BLOCKS):
        x = g.add(x, attention(g, g.layer_norm(x, f"block{i}.before"), f"block{i}"))
        wide = g.gelu(g.linear(g.layer_norm(x, f"block{i}.after"), f"block{i}.up", 2 * WIDTH))
        x = g.add(x, g.linear(wide, f"block{i}.down", WIDTH))
    return g.linear(g.mean(g.layer_norm(x, "last"), 1), "head", 10)


NETWORKS = {"digits_cnn": cnn, "digits_vit": vit}
EPOCHS = {"digits_cnn": 25, "digits_vit": 130}
