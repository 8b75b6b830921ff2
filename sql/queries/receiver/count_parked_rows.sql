-- Run as runledger_operator. How many rows wait for the root of their trace over all tenants, counted no further than $1.
select count(*) as rows
from (select from runledger.parked_spans limit $1) as counted
