create database runledger;
