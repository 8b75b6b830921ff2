-- The login of DATABASE_URL again, until the end of the transaction.
set local role none;
