-- Who has a role beside the customer's (1), the lowest bit: a few among many accounts, looked for at each start.
CREATE INDEX account_staff ON account (tenant, roles) WHERE roles > 1;
