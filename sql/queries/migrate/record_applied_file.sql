insert into runledger.applied_files (path, sha256) values ($1, $2)
on conflict (path) do update set sha256 = excluded.sha256, applied_at = excluded.applied_at;
