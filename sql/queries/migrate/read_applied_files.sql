select path, sha256 from runledger.applied_files;
