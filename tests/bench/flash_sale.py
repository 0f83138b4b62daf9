#!/usr/bin/python3
"""A flash sale: buyers arrive over some time, many more than there are units, whether or not others were answered.

    flash_sale.py [--buyers 50000] [--seconds 60] [--units 1000]

Exactly the units are sold, everybody is told that they have one or that none is left, and a buyer's time counts from
when they arrived. Who is turned away (429, 503) was not answered: they are counted apart, and none may be.
"""
import argparse
import json
import pathlib
import shutil
import tempfile
import time

import measure

CONNECTIONS = 8192
ANSWERS = {"201", "409", "410"}  # an order, or sold out
TURNED_AWAY = {"429", "503"}
PATIENCE_S = 120


def answered(result, buyers):
    """(how many were turned away, what is wrong with the answers)."""
    statuses = result["statuses"]
    turned_away = sum(count for status, count in statuses.items() if status in TURNED_AWAY)
    faults = []
    if result["errors"] or result["requests"] != buyers:
        faults.append("%d of %d were answered, %d errors" % (result["requests"], buyers, result["errors"]))
    if turned_away:
        faults.append("%d were turned away: %s" % (turned_away, statuses))
    if set(statuses) - ANSWERS - TURNED_AWAY:
        faults.append("answers %s" % statuses)
    return turned_away, faults


def hold(shop, buyers, seconds, units):
    """Holds the sale on a running shop: its figures, with what is wrong under "faults"."""
    sku_id = measure.any_sku(shop)
    measure.set_stock(shop, sku_id, units)
    sold_before, _ = measure.sold(shop.folder, sku_id)
    before = measure.cpu_ns(shop.process.pid)
    result = measure.load_orders(shop, measure.order_of(sku_id), "-c", min(CONNECTIONS, buyers), "-n", buyers,
                                 "-r", max(1, round(buyers / seconds)), label="flash", may_fail=True)
    end = time.monotonic() + PATIENCE_S
    sold, pending = measure.sold(shop.folder, sku_id)
    while pending and time.monotonic() < end:
        time.sleep(0.05)
        sold, pending = measure.sold(shop.folder, sku_id)
    sold -= sold_before
    stock = shop.get("/api/catalog/v1/skus/%s/stock" % sku_id)
    faults = []
    if sold != units or pending:
        faults.append("%d of %d units are sold, %d pending" % (sold, units, pending))
    if (stock["on_hand"], stock["reserved"]) != (0, 0):
        faults.append("the stock is %s" % stock)
    turned_away, wrong = answered(result, buyers)
    measure.wait_until_idle(shop.process.pid)
    return {"what": "flash sale, open loop: %d buyers in %d s for %d units" % (buyers, seconds, units), "sold": sold,
            "statuses": result["statuses"], "turned_away": turned_away, "p50_us": result["p50_us"],
            "p95_us": result["p95_us"], "p99_us": result["p99_us"], "max_us": result["max_us"],
            "cpu_us": round((measure.cpu_ns(shop.process.pid) - before) / buyers / 1000, 1), "faults": faults + wrong}


def run(buyers, seconds, units):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="shopstream-flash-", dir=measure.DISK))
    shop = measure.Shop(folder / "data", LOG_LEVEL="warning")
    try:
        shop.start()
        row = hold(shop, buyers, seconds, units)
        shop.stop()
        return row
    finally:
        shop.close()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--buyers", type=int, default=50000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--units", type=int, default=1000)
    options = parser.parse_args()
    row = run(options.buyers, options.seconds, options.units)
    print(json.dumps(row, indent=1))
    return 1 if row["faults"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
