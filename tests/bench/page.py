"""docs/performance.md and its plots, from what the bench found. The plots are SVG, written as text: bars and a line for
the bar that the design sets."""
import html

WIDTH, ROW, LABEL, GAP = 860, 26, 400, 8
COLOURS = {True: "#2a7f5f", False: "#b3402e", None: "#5b6b7a"}
# file, title, what the rows' names begin with, the figure, its unit, and the bar (None: none).
PLOTS = (
    ("reads", "CPU of a read, as a multiple of the bare epoll server's", ("product list", "product detail"), "ratio",
     "×", 1.5),
    ("checkout-rate", "Orders to confirmed, a second", ("checkout to", "checkout, open"), "orders_per_s", "/s", None),
    ("checkout-p95", "Checkout, 95 % are done within", ("checkout to", "checkout, open"), "p95_us", "µs", None),
    ("growth", "CPU in the large shop, as a multiple of the small one's", ("growth:",), "ratio", "×", 1.3),
    ("memory", "Resident memory", ("memory",), "mb", "MB", 100),
)


def plot(title, rows, figure, unit, bar):
    """A horizontal bar a row."""
    most = max([row[figure] for row in rows] + ([bar] if bar else [])) or 1
    scale = (WIDTH - LABEL - 110) / most
    height = 50 + len(rows) * (ROW + GAP)
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">'
             % (WIDTH, height), "<title>%s</title>" % html.escape(title),
             '<rect width="%d" height="%d" fill="#ffffff"/>' % (WIDTH, height),
             '<text x="8" y="22" font-size="15" fill="#1d2733">%s</text>' % html.escape(title)]
    for i, row in enumerate(rows):
        y = 40 + i * (ROW + GAP)
        lines.append('<text x="8" y="%d" fill="#1d2733">%s</text>' % (y + 17, html.escape(row["what"][:64])))
        lines.append('<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>'
                     % (LABEL, y, max(1, row[figure] * scale), ROW, COLOURS[row.get("ok")]))
        lines.append('<text x="%.1f" y="%d" fill="#1d2733">%s %s</text>'
                     % (LABEL + row[figure] * scale + 6, y + 17, "{:,}".format(row[figure]), unit))
    if bar:
        x = LABEL + bar * scale
        lines.append('<line x1="%.1f" y1="34" x2="%.1f" y2="%d" stroke="#1d2733" stroke-dasharray="4 3"/>'
                     % (x, x, height - 6))
    return "\n".join([*lines, "</svg>", ""])


def figures(row):
    return ", ".join("%s %s" % item for item in row.items() if item[0] not in ("what", "ok") and item[1] != [])


def write(result, docs):
    """Writes the page and the plots that there are rows for."""
    folder = docs / "performance"
    folder.mkdir(exist_ok=True)
    host = result["machine"]
    lines = ["# Performance", "",
             "Made by `BENCH_DOCS=1 make bench`%s, begun %s, in %s minutes, on %d processors (%s, Linux %s)." % (
                 " with small sizes: the figures mean nothing" if result["quick"] else "", result["begun"],
                 result["minutes"], host["processors"], host["model"], host["kernel"]),
             "Absolute times are this machine's; ratios carry over to another one. The bare server is",
             "`tests/bench/bare_epoll.c`, which answers the same bytes without looking at the request.", ""]
    for name, title, prefixes, figure, unit, bar in PLOTS:
        rows = [row for row in result["rows"] if row["what"].startswith(prefixes) and figure in row]
        if rows:
            (folder / (name + ".svg")).write_text(plot(title, rows, figure, unit, bar))
            lines += ["![%s](performance/%s.svg)" % (title, name), ""]
    lines += ["| what | bar | measured |", "|---|---|---|"]
    words = {True: "held", False: "missed", None: ""}
    lines += ["| %s | %s | %s |" % (row["what"], words[row.get("ok")], figures(row)) for row in result["rows"]]
    (docs / "performance.md").write_text("\n".join(lines) + "\n")
