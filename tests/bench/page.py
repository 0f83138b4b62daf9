"""docs/performance.md from what the bench found: the part between the two marks is made here, the words around it are
written by hand. Beside it are the plots (SVG, written as text: bars, and a line for the bar that the design sets) and
the figures as JSON."""
import html
import json

WIDTH, ROW, LABEL, GAP = 860, 26, 400, 8
COLOURS = {True: "#2a7f5f", False: "#b3402e", None: "#5b6b7a"}
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"
VERDICTS = {True: "held", False: "**missed**", None: ""}
# Plots: file, title, what the rows' names begin with, the figure, and the bar (None: none).
PLOTS = (
    ("reads", "CPU of a read, as a multiple of the bare epoll server's", ("product list", "product detail"), "ratio",
     1.5),
    ("pages", "CPU of a kept page, as a multiple of the bare epoll server's", ("kept page",), "ratio", 2),
    ("checkout-rate", "Orders to confirmed, a second", ("checkout to", "checkout, open"), "orders_per_s", None),
    ("checkout-p95", "Checkout, 95 % are done within", ("checkout to", "checkout, open"), "p95_us", None),
    ("growth", "CPU in the large shop, as a multiple of the small one's", ("growth:",), "ratio", 1.3),
    ("memory", "Resident memory", ("memory",), "mb", 100),
)
# Tables: title, and what the rows' names begin with. Rows of no other table are of the last.
TABLES = (
    ("Reads", ("product list", "product detail")),
    ("Pages", ("kept page", "page that is not kept", "an edited price", "memory that rendering")),
    ("Orders", ("checkout to", "checkout, ")),
    ("A flash sale", ("flash sale",)),
    ("Growth", ("growth:",)),
    ("Work done for one", ("system calls", "syncs", "allocations")),
    ("Followers", ("followers:",)),
    ("Start, memory, sign-in, connections", ("",)),
)
# Figures: what a column is called, and its unit; times in microseconds are shown in milliseconds from ten on.
COLUMNS = {"ratio": ("ratio", "×"), "ratio_low": ("lowest pair", "×"), "ratio_high": ("highest pair", "×"),
           "cpu_us": ("CPU", "µs"), "bare_cpu_us": ("CPU, bare server", "µs"),
           "bare_requests": ("in requests to the bare server", "×"),
           "render_cpu_us": ("CPU of rendering", "µs"), "small_cpu_us": ("CPU, small shop", "µs"),
           "per_second": ("a second", "/s"),
           "orders_per_s": ("orders", "/s"), "p50_us": ("p50", "µs"), "p95_us": ("p95", "µs"),
           "p99_us": ("p99", "µs"), "max_us": ("longest", "µs"), "ms": ("time", "ms"), "mb": ("memory", "MB"),
           "bytes": ("memory", "bytes"),
           "behind_answer_us": ("p95 behind the answer", "µs"), "calls": ("calls", ""), "syncs": ("syncs", ""),
           "allocations": ("allocations", ""), "sold": ("sold", ""), "statuses": ("answers", ""),
           "turned_away": ("turned away", ""),
           "errors": ("errors", ""), "commits_per_order": ("commits an order", ""), "faults": ("faults", "")}


def shown(figure, value):
    """A figure with its unit, as a person reads it."""
    unit = COLUMNS[figure][1]
    if isinstance(value, dict):
        return ", ".join("%s × %s" % ("{:,}".format(count), status) for status, count in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if unit == "µs" and value >= 10000:
        value, unit = round(value / 1000, 1), "ms"
    return ("{:,} {}" if unit else "{:,}{}").format(value, unit)


def plot(title, rows, figure, bar):
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
        lines.append('<text x="%.1f" y="%d" fill="#1d2733">%s</text>'
                     % (LABEL + row[figure] * scale + 6, y + 17, shown(figure, row[figure])))
    if bar:
        x = LABEL + bar * scale
        lines.append('<line x1="%.1f" y1="34" x2="%.1f" y2="%d" stroke="#1d2733" stroke-dasharray="4 3"/>'
                     % (x, x, height - 6))
    return "\n".join([*lines, "</svg>", ""])


def table(title, rows):
    """A column a figure that one of the rows has."""
    figures = list(dict.fromkeys(figure for row in rows for figure in row if figure in COLUMNS))
    heads = ["", *(COLUMNS[figure][0] for figure in figures), "bar"]
    lines = ["### " + title, "", "| %s |" % " | ".join(heads), "|---" * len(heads) + "|"]
    for row in rows:
        cells = [shown(figure, row[figure]) if figure in row else "" for figure in figures]
        name = row["what"].removeprefix("growth: ").removeprefix("followers: ")
        lines.append("| %s |" % " | ".join([name, *cells, VERDICTS[row.get("ok")]]))
    return [*lines, ""]


def about(parts):
    """When, where, beside what and of which commit each part was measured."""
    lines = ["| part | begun | took | load before | others meanwhile | commit | machine |", "|---" * 7 + "|"]
    for name, part in parts.items():
        load = shown_if("%s", part, "load_before") + shown_if(", BENCH_LOAD_MAX=%s", part, "load_allowed")
        lines.append("| %s |" % " | ".join([
            name + (", with small sizes: its figures mean nothing" if part.get("quick") else ""), part["begun"],
            shown_if("%s min", part, "minutes"), load, shown_if("%s processors", part, "others"),
            shown_if("%s", part, "commit"), part["machine"]]))
    return [*lines, ""]


def shown_if(words, part, key):
    """Nothing of what was not kept at the time."""
    return words % part[key] if key in part else ""


def measured(result, folder):
    """The page's part, and its plots into the folder."""
    lines = ["", *about(result["parts"])]
    for name, title, prefixes, figure, bar in PLOTS:
        rows = [row for row in result["rows"] if row["what"].startswith(prefixes) and figure in row]
        if rows:
            (folder / (name + ".svg")).write_text(plot(title, rows, figure, bar))
            lines += ["![%s](performance/%s.svg)" % (title, name), ""]
    left = result["rows"]
    for title, prefixes in TABLES:
        rows = [row for row in left if row["what"].startswith(prefixes)]
        left = [row for row in left if row not in rows]
        if rows:
            lines += table(title, rows)
    return "\n".join(lines)


def among(known, result):
    """What was measured of some parts, in the place of what the page has of them; the rest stays."""
    parts = {**known["parts"], **result["parts"]}
    rows = [row for row in known["rows"] if row["part"] not in result["parts"]] + result["rows"]
    return {"parts": parts, "rows": sorted(rows, key=lambda row: list(parts).index(row["part"]))}


def write(result, docs):
    """Puts what was measured into the page."""
    page, folder = docs / "performance.md", docs / "performance"
    figures = folder / "figures.json"
    folder.mkdir(exist_ok=True)
    if figures.exists():
        result = among(json.loads(figures.read_text()), result)
    head, rest = page.read_text().split(BEGIN)
    tail = rest.split(END)[1]
    page.write_text(head + BEGIN + measured(result, folder) + "\n" + END + tail)
    figures.write_text(json.dumps(result, indent=1) + "\n")
