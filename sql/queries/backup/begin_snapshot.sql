-- The whole copy is of one moment.
begin isolation level repeatable read read only
