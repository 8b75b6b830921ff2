select value = 'true'::jsonb as adopted from runledger.settings where name = 'adopted';
