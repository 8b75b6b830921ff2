-- Until the end of the transaction.
set local role runledger_owner;
