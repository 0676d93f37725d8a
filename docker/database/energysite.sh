#!/bin/sh
# Runs once, when the database is made: the site's role and database, and the extension that only an administrator can create.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --set password="$DATABASE_PASSWORD" <<'SQL'
CREATE ROLE energysite LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE energysite OWNER energysite ENCODING 'UTF8' TEMPLATE template0;
\connect energysite
CREATE EXTENSION IF NOT EXISTS timescaledb;
SQL
