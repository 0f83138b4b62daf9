-- What platform/service keeps in the database of each service.
CREATE TABLE service_secret (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);
