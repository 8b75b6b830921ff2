-- The key under which addresses are hashed, so that a run or an item is found by the text it came with. As runledger_owner or runledger_ingest.
select value #>> '{}' as privacy_key from runledger.settings where name = 'privacy_key';
