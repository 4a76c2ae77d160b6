// Package modelstest gives tests real databases: a SQLite file, and a database
// of its own on a throw-away PostgreSQL cluster.
//
// NIGHTBELL_TEST_POSTGRES is the URL of the cluster's superuser (test/withpostgres
// sets it for `make test`). Without it the PostgreSQL half of a test is
// skipped, loudly; with NIGHTBELL_REQUIRE_POSTGRES=1 that is a failure.
package modelstest
