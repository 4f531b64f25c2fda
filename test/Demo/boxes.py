"""From the text detector's probability map to boxes: the post-processing of DBNet (Liao et al., AAAI 2020), in numpy."""
import numpy as np

THRESHOLD = 0.3       # a pixel belongs to text
BOX_THRESHOLD = 0.5   # mean probability of a box worth keeping
UNCLIP = 1.6          # the network marks the core of a line; it grows by area * UNCLIP / perimeter
MIN_SIDE = 3          # pixels


def components(mask):
    """4-connected components of a boolean map: a list of (n, 2) arrays of (y, x)."""
    parent = [0]

    def find(label):
        while parent[label] != label:
            parent[label] = parent[parent[label]]
            label = parent[label]
        return label

    labels = np.zeros(mask.shape, np.int32)
    for y in range(mask.shape[0]):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], mask[y].view(np.int8), [0]))))
        for start, end in edges.reshape(-1, 2):  # a run of set pixels
            above = {find(label) for label in np.unique(labels[y - 1, start:end]) if label} if y else set()
            if above:
                label = min(above)
                for other in above:
                    parent[other] = label
            else:
                label = len(parent)
                parent.append(label)
            labels[y, start:end] = label
    roots = np.array([find(label) for label in range(len(parent))])[labels]
    return [np.argwhere(roots == label) for label in np.unique(roots) if label]


def smallest_rectangle(points):
    """The rectangle of least area around points (x, y), over whole degrees: (center, half width, half height, axes)."""
    best = None
    for degrees in range(-45, 45):
        angle = np.deg2rad(degrees)
        axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        turned = points @ axes.T
        low, high = turned.min(0), turned.max(0)
        area = np.prod(high - low)
        if best is None or area < best[0] - 1e-6 or (degrees == 0 and area <= best[0] * 1.02):
            best = (area, (low + high) / 2 @ axes, *((high - low) / 2), axes)
    return best[1:]


def find(probability):
    """Boxes in a map [H, W]: a list of ((4, 2) corners x, y; score), from top to bottom."""
    found = []
    for pixels in components(probability > THRESHOLD):
        score = float(probability[pixels[:, 0], pixels[:, 1]].mean())
        y_low, x_low = pixels.min(0)
        y_high, x_high = pixels.max(0)
        if score < BOX_THRESHOLD or min(y_high - y_low, x_high - x_low) < MIN_SIDE:
            continue
        center, half_width, half_height, axes = smallest_rectangle(pixels[:, ::-1].astype(float))
        grow = (4 * half_width * half_height) * UNCLIP / (4 * (half_width + half_height))
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [half_width + grow, half_height + grow]
        found.append((corners @ axes + center, score))
    return sorted(found, key=lambda box: (round(box[0][:, 1].min() / 8), box[0][:, 0].min()))


def covered(box, line):
    """Whether a box overlaps most of a line's rectangle (left, top, right, bottom)."""
    low, high = box.min(0), box.max(0)
    width = min(high[0], line[2]) - max(low[0], line[0])
    height = min(high[1], line[3]) - max(low[1], line[1])
    return width > 0 and height > 0 and width * height > 0.5 * (line[2] - line[0]) * (line[3] - line[1])
