-- A database for one telling of the scenario; :name is put in as an identifier, because no parameter can stand there.
create database :name template template0 encoding 'UTF8'
