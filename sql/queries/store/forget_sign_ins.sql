select runledger.forget_sign_ins();
