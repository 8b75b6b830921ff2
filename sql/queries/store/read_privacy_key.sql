-- Under which addresses are hashed, so that an item is found by the text it came with. As runledger_owner.
select value #>> '{}' as privacy_key from runledger.settings where name = 'privacy_key';
