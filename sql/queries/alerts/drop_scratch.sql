-- Removes it again, with whatever sessions it still has.
drop database if exists :name with (force)
