"""A shop on Postgres takes an order that a provider elsewhere charges, in the sandbox as it ships."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))

from postgres import Cluster  # noqa: E402
from shop import IS_SANITIZED, PROVIDER_PORT_DISTANCE, Shop  # noqa: E402


class ShopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())

    def open(self, **settings):
        shop = Shop(**settings)
        self.addCleanup(shop.close)
        return shop.start()

    def test_an_order_is_charged_elsewhere_and_kept_here(self):
        """Over TLS, for which the file of the server's authority is read in the sandbox, and read again."""
        provider = self.open()
        shop = self.open(arguments=("--no-seed", "--services", "identity,catalog,orders,payments,shell"),
                         STRIPE_URL="http://127.0.0.1:%d" % (provider.port + PROVIDER_PORT_DISTANCE),
                         SQL_URL=self.cluster.url() + "?sslmode=verify-full&sslrootcert=%s/ca.pem"
                         % self.cluster.certificates, SANDBOX="on" if IS_SANITIZED else "require")
        sku = shop.sku()
        self.assertEqual("confirmed", shop.buy([(sku, 1)])["status"])
        self.cluster.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                           " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
        self.assertEqual("confirmed", shop.buy([(sku, 1)])["status"])
        self.assertEqual(["2"], self.cluster.query("SELECT count(*) FROM orders.orders WHERE status = 'confirmed'"))


if __name__ == "__main__":
    unittest.main()
