"""A page of text drawn with a system font, and the boxes of its lines."""
import pathlib

from PIL import Image, ImageDraw, ImageFont

SIZE = 640
FONTS = pathlib.Path("/usr/share/fonts/truetype/dejavu")
INK = (24, 28, 36)

# (x, y, points, font, text)
LINES = [
    (48, 40, 40, "DejaVuSans-Bold", "TENON"),
    (48, 92, 17, "DejaVuSans", "the shaped tongue that joins two pieces of wood"),
    (48, 148, 24, "DejaVuSans-Bold", "1. One file that runs"),
    (48, 186, 18, "DejaVuSans", "Kernels, weights, and a plan of what runs where"),
    (48, 214, 18, "DejaVuSans", "and when. The runtime needs no compiler."),
    (48, 262, 24, "DejaVuSans-Bold", "2. Every size, one plan"),
    (48, 300, 18, "DejaVuSans", "Batch, sequence length and image size are decided"),
    (48, 328, 18, "DejaVuSans", "when it runs, not when it is compiled."),
    (48, 392, 16, "DejaVuSansMono", "$ tenon compile detector.onnx"),
    (48, 420, 16, "DejaVuSansMono", "$ tenon run detector.tenon"),
    (48, 560, 14, "DejaVuSans", "Page 1 of 1"),
    (430, 560, 14, "DejaVuSans", "drawn with DejaVu"),
]
STAMP = (440, 440, 28, "DejaVuSans-Bold", "APPROVED")  # turned by 20 degrees


def font(name, points):
    path = FONTS / f"{name}.ttf"
    if not path.exists():
        path = FONTS / "DejaVuSans.ttf"  # fonts-dejavu-core has all of them; a smaller set will do
    return ImageFont.truetype(str(path), points)


def render():
    """The page as an RGB image, and (text, (left, top, right, bottom)) of each line on it."""
    page = Image.new("RGB", (SIZE, SIZE), (250, 249, 245))
    draw = ImageDraw.Draw(page)
    truth = []
    for x, y, points, name, text in LINES:
        draw.text((x, y), text, fill=INK, font=font(name, points))
        truth.append((text, draw.textbbox((x, y), text, font=font(name, points))))
    draw.rectangle((40, 380, 380, 450), outline=(190, 190, 190))
    draw.line((48, 548, 592, 548), fill=(190, 190, 190))
    x, y, points, name, text = STAMP
    stamp = Image.new("RGBA", (170, 44), (0, 0, 0, 0))
    ImageDraw.Draw(stamp).text((4, 4), text, fill=(170, 30, 40), font=font(name, points))
    stamp = stamp.rotate(20, expand=True, resample=Image.Resampling.BICUBIC)
    page.paste(stamp, (x, y), stamp)
    truth.append((text, (x, y, x + stamp.width, y + stamp.height)))
    return page, truth
